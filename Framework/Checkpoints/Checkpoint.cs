using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Distributed.Framework.Checkpoints;

/// <summary>All that a run needs to go on with the same bits: what was learned, and how far it was.</summary>
/// <param name="Step">Optimizer updates done.</param>
/// <param name="Configuration">Everything that the result depends on, as JSON.</param>
/// <param name="Parameters">In module order, under PyTorch's names and in its layout.</param>
/// <param name="Buffers">Running statistics, likewise.</param>
/// <param name="OptimizerState">Named <c>SLOT.PARAMETER</c>: <c>exp_avg.0.weight</c>.</param>
/// <param name="Extra">
/// Scalars as text. Numbers whose bits matter (Adam's powers of beta) are written so that they read back exactly, as
/// <see cref="double.ToString(IFormatProvider)"/> does.
/// </param>
public sealed record Checkpoint(
    long Step,
    string Configuration,
    IReadOnlyList<NamedTensor> Parameters,
    IReadOnlyList<NamedTensor> Buffers,
    IReadOnlyList<NamedTensor> OptimizerState,
    IReadOnlyDictionary<string, string> Extra)
{
    /// <summary>
    /// SHA-256 over the float parameters, then the float buffers, each in order, little-endian: 64 lower-case digits.
    /// </summary>
    public string WeightsSha256()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (NamedTensor tensor in Parameters.Concat(Buffers).Where(tensor => tensor.Integers is null))
        {
            hash.AppendData(MemoryMarshal.AsBytes(tensor.Values.Span));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
