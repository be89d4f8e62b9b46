using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Distributed.Framework.Checkpoints;

/// <summary>All that a run needs to go on with the same bits: what was learned, and how far it was.</summary>
/// <param name="Step">Optimizer updates done.</param>
/// <param name="Configuration">Everything that the result depends on, as JSON.</param>
/// <param name="Parameters">In module order, under PyTorch's names and in its layout.</param>
/// <param name="Buffers">Running statistics, likewise.</param>
/// <param name="OptimizerState">
/// Named <c>SLOT.PARAMETER</c>: <c>exp_avg.0.weight</c>; the slot <c>ema</c> has the averaged parameters.
/// </param>
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
    /// <summary>The slot of the averaged parameters, if there are some, among the optimizer's.</summary>
    internal const string AverageSlot = "ema";

    /// <summary>What is used of it: the averaged parameters if it has some, else the parameters; then the buffers.
    /// </summary>
    public IEnumerable<NamedTensor> UsedWeights()
    {
        const string Prefix = AverageSlot + ".";
        NamedTensor[] averaged =
        [
            .. OptimizerState
                .Where(tensor => tensor.Name.StartsWith(Prefix, StringComparison.Ordinal))
                .Select(tensor => tensor with { Name = tensor.Name[Prefix.Length..] }),
        ];
        return (averaged.Length > 0 ? averaged : Parameters).Concat(Buffers);
    }

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
