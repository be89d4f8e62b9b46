namespace Distributed.Protocol.Tensors;

/// <summary>Floats that become final from first to last, while channels already send those that are.</summary>
/// <remarks>A payload that is also this is sent chunk by chunk, each as soon as it is final. Any thread.</remarks>
public interface IProgressiveMemory
{
    /// <summary>Raised after <see cref="Available"/> has grown, or will grow no more.</summary>
    event Action? Advanced;

    /// <summary>Floats that are final; never falls. Throws if the others never will be.</summary>
    int Available { get; }
}
