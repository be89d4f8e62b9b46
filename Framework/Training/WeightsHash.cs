using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Distributed.Framework.Training;

/// <summary>What tells weights from others.</summary>
public static class WeightsHash
{
    /// <summary>SHA-256 over a flat state, parameters and then buffers, little-endian: 64 hexadecimal digits.</summary>
    public static string Of(ReadOnlySpan<float> state) =>
        Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(state)));
}
