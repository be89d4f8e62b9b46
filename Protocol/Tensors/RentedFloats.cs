using System.Buffers;

namespace Distributed.Protocol.Tensors;

/// <summary>Floats of any number, from the shared pool; for what comes seldom.</summary>
/// <param name="length">How many; their content is arbitrary.</param>
/// <param name="onReleased">Called once, when they go back; null for nothing.</param>
public sealed class RentedFloats(int length, Action? onReleased = null) : IMemoryOwner<float>
{
    private float[]? _array = ArrayPool<float>.Shared.Rent(length);

    /// <inheritdoc/>
    public Memory<float> Memory => _array.AsMemory(0, length);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _array, null) is { } array)
        {
            ArrayPool<float>.Shared.Return(array);
            onReleased?.Invoke();
        }
    }
}
