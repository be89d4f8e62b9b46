namespace Distributed.Protocol.Tensors;

/// <summary>The stream has ended, is cut off, or fails: nobody's mistake.</summary>
internal sealed class ConnectionBrokenException : Exception
{
    public ConnectionBrokenException(string message)
        : base(message)
    {
    }

    public ConnectionBrokenException(Exception inner)
        : base(inner.Message, inner)
    {
    }

    /// <summary>Whether a stream throws this for what a peer or a network does, or because it is disposed of.</summary>
    public static bool Is(Exception exception) =>
        exception is IOException or InvalidOperationException;
}
