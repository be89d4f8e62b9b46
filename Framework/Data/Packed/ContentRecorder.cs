using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data.Sources;

namespace Distributed.Framework.Data.Packed;

/// <summary>Takes what is packed as parts: bytes as they are written, and blocks without their bytes.</summary>
/// <param name="add">Gets bytes, or none and a block.</param>
internal sealed class ContentRecorder(Action<byte[], ImageBlock?> add) : WriteOnlyStream
{
    /// <summary>Takes the values of a block.</summary>
    public void Add(ImageBlock block) => add([], block);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (buffer.Length > 0)
        {
            add(buffer.ToArray(), null);
        }
    }
}
