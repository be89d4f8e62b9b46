using Distributed.Framework.Tensors;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Compute;

/// <summary>The sum of a complete subtree, from the compute threads.</summary>
public readonly record struct CompletedSum(
    Term Term, Step Step, Subtree Subtree, int LeafCount, PooledBuffer Gradient);
