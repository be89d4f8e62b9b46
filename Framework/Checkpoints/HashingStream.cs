using System.Security.Cryptography;

namespace Distributed.Framework.Checkpoints;

/// <summary>Passes what is written on to another stream and hashes it on the way. Does not own that stream.</summary>
internal sealed class HashingStream(Stream target, IncrementalHash hash) : WriteOnlyStream
{
    /// <inheritdoc/>
    public override long Length => target.Length;

    /// <inheritdoc/>
    public override long Position
    {
        get => target.Position;
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        hash.AppendData(buffer);
        target.Write(buffer);
    }

    /// <inheritdoc/>
    public override void Flush() => target.Flush();
}
