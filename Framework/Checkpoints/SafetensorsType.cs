namespace Distributed.Framework.Checkpoints;

/// <summary>Element types of a safetensors file that this program reads. All are little-endian.</summary>
public enum SafetensorsType
{
    /// <summary>IEEE 754, 4 bytes.</summary>
    F32,

    /// <summary>IEEE 754, 8 bytes.</summary>
    F64,

    /// <summary>IEEE 754, 2 bytes.</summary>
    F16,

    /// <summary>The upper 2 bytes of an F32.</summary>
    BF16,

    /// <summary>Two's complement, 8 bytes.</summary>
    I64,

    /// <summary>Unsigned, 1 byte.</summary>
    U8,
}

/// <summary>Names and sizes of the element types.</summary>
internal static class SafetensorsTypes
{
    /// <summary>The type of that name in a header, or null if this program does not read it.</summary>
    public static SafetensorsType? Parse(string name) => name switch
    {
        "F32" => SafetensorsType.F32,
        "F64" => SafetensorsType.F64,
        "F16" => SafetensorsType.F16,
        "BF16" => SafetensorsType.BF16,
        "I64" => SafetensorsType.I64,
        "U8" => SafetensorsType.U8,
        _ => null,
    };

    /// <summary>Size of one element.</summary>
    public static int Bytes(this SafetensorsType type) => type switch
    {
        SafetensorsType.F64 or SafetensorsType.I64 => 8,
        SafetensorsType.F32 => 4,
        SafetensorsType.F16 or SafetensorsType.BF16 => 2,
        _ => 1,
    };
}
