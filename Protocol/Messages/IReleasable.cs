namespace Distributed.Protocol.Messages;

/// <summary>A message with something that its receiver owns: a payload, a connection.</summary>
public interface IReleasable
{
    /// <summary>Called instead of receiving it, once, by the one that drops the message.</summary>
    void Release();
}
