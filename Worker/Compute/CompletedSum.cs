using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Compute;

/// <summary>The sum of a complete node, from the compute threads.</summary>
public readonly record struct CompletedSum(
    Term Term, Step Step, TreeNode Node, int ShardCount, PooledBuffer Gradient, bool IsFinite);
