namespace Distributed.Framework.Checkpoints;

/// <summary>Names and sizes of the tensors of every checkpoint of one run.</summary>
/// <param name="Parameters">In module order.</param>
/// <param name="Buffers">In module order.</param>
/// <param name="OptimizerState">Named <c>SLOT.PARAMETER</c>.</param>
public sealed record CheckpointLayout(
    IReadOnlyList<TensorLayout> Parameters,
    IReadOnlyList<TensorLayout> Buffers,
    IReadOnlyList<TensorLayout> OptimizerState);

/// <summary>Name and sizes of one tensor of floats.</summary>
/// <param name="Name">As PyTorch would call it.</param>
/// <param name="Shape">Sizes, outermost first.</param>
public sealed record TensorLayout(string Name, long[] Shape);

/// <summary>
/// Memory for one checkpoint: the trainer copies its state in, somebody writes it out beside training, and it is used
/// again.
/// </summary>
public sealed class CheckpointSnapshot
{
    private readonly NamedTensor[] _parameters;
    private readonly NamedTensor[] _buffers;
    private readonly NamedTensor[] _optimizerState;

    /// <summary>Allocates memory for one checkpoint.</summary>
    public CheckpointSnapshot(CheckpointLayout layout)
    {
        (Parameters, _parameters) = Allocate(layout.Parameters);
        (Buffers, _buffers) = Allocate(layout.Buffers);
        (OptimizerState, _optimizerState) = Allocate(layout.OptimizerState);
    }

    /// <summary>Optimizer updates done.</summary>
    public long Step { get; set; }

    /// <summary>
    /// What the checkpoint is worth, higher is better; null if it is not a candidate for the best one.
    /// </summary>
    public double? Score { get; set; }

    /// <summary>Whether it is kept by its step; false if it only stands for the best one.</summary>
    public bool KeepByStep { get; set; } = true;

    /// <summary>Scalars as text; emptied by <see cref="Reset"/>.</summary>
    public Dictionary<string, string> Extra { get; } = new(StringComparer.Ordinal);

    /// <summary>To be filled, in the order of the layout, each in PyTorch's layout.</summary>
    public IReadOnlyList<Memory<float>> Parameters { get; }

    /// <summary>As <see cref="Parameters"/>.</summary>
    public IReadOnlyList<Memory<float>> Buffers { get; }

    /// <summary>As <see cref="Parameters"/>.</summary>
    public IReadOnlyList<Memory<float>> OptimizerState { get; }

    /// <summary>A view of the content; valid until it is filled again.</summary>
    public Checkpoint ToCheckpoint(string configuration) =>
        new(Step, configuration, _parameters, _buffers, _optimizerState, Extra);

    /// <summary>Forgets what is not written over: scalars, and what the checkpoint is for.</summary>
    public void Reset()
    {
        Step = 0;
        Score = null;
        KeepByStep = true;
        Extra.Clear();
    }

    private static (Memory<float>[] Memory, NamedTensor[] Tensors) Allocate(IReadOnlyList<TensorLayout> layouts)
    {
        Memory<float>[] memory = new Memory<float>[layouts.Count];
        NamedTensor[] tensors = new NamedTensor[layouts.Count];
        for (int i = 0; i < memory.Length; i++)
        {
            long elements = layouts[i].Shape.Aggregate(1L, (product, size) => checked(product * size));
            memory[i] = new float[elements];
            tensors[i] = new NamedTensor(layouts[i].Name, layouts[i].Shape, memory[i]);
        }

        return (memory, tensors);
    }
}
