using System.Buffers;

namespace Distributed.Coordinator.Tests;

/// <summary>Stands for a gradient; nobody but an actor may look into one.</summary>
internal sealed class NamedPayload(string name) : IMemoryOwner<float>
{
    public Memory<float> Memory => throw new InvalidOperationException("A machine looks into a payload.");

    public void Dispose() => throw new InvalidOperationException("A machine orders a release, it does not do it.");

    public override string ToString() => name;
}
