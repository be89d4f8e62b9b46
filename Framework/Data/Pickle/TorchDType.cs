namespace Distributed.Framework.Data.Pickle;

/// <summary>Element types of tensors that can be read.</summary>
public enum TorchDType
{
    /// <summary>Unsigned byte.</summary>
    UInt8,

    /// <summary>Signed byte.</summary>
    Int8,

    /// <summary>16-bit integer.</summary>
    Int16,

    /// <summary>32-bit integer.</summary>
    Int32,

    /// <summary>64-bit integer.</summary>
    Int64,

    /// <summary>IEEE half.</summary>
    Float16,

    /// <summary>The upper half of a float32.</summary>
    BFloat16,

    /// <summary>IEEE single.</summary>
    Float32,

    /// <summary>IEEE double.</summary>
    Float64,

    /// <summary>A byte, 0 or not.</summary>
    Bool,
}

/// <summary>Facts about element types.</summary>
public static class TorchDTypes
{
    /// <summary>Bytes an element takes.</summary>
    public static int ItemBytes(this TorchDType type) => type switch
    {
        TorchDType.UInt8 or TorchDType.Int8 or TorchDType.Bool => 1,
        TorchDType.Int16 or TorchDType.Float16 or TorchDType.BFloat16 => 2,
        TorchDType.Int32 or TorchDType.Float32 => 4,
        _ => 8,
    };

    /// <summary>The largest value of an integer type; null for the others.</summary>
    public static double? IntegerMaximum(this TorchDType type) => type switch
    {
        TorchDType.UInt8 => byte.MaxValue,
        TorchDType.Int8 => sbyte.MaxValue,
        TorchDType.Int16 => short.MaxValue,
        TorchDType.Int32 => int.MaxValue,
        TorchDType.Int64 => long.MaxValue,
        _ => null,
    };

    /// <summary>The type of a storage class of PyTorch's, such as "torch FloatStorage"; null if it is none.</summary>
    internal static TorchDType? OfStorage(string module, string name) => (module, name) switch
    {
        ("torch", "ByteStorage") => TorchDType.UInt8,
        ("torch", "CharStorage") => TorchDType.Int8,
        ("torch", "ShortStorage") => TorchDType.Int16,
        ("torch", "IntStorage") => TorchDType.Int32,
        ("torch", "LongStorage") => TorchDType.Int64,
        ("torch", "HalfStorage") => TorchDType.Float16,
        ("torch", "BFloat16Storage") => TorchDType.BFloat16,
        ("torch", "FloatStorage") => TorchDType.Float32,
        ("torch", "DoubleStorage") => TorchDType.Float64,
        ("torch", "BoolStorage") => TorchDType.Bool,
        ("torch.storage", "UntypedStorage" or "_UntypedStorage") => TorchDType.UInt8,
        _ => null,
    };
}
