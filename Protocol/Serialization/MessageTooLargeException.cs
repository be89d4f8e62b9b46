using System.Runtime.Serialization;

namespace Distributed.Protocol.Serialization;

/// <summary>A message of ours is larger than allowed. Akka drops it and keeps the connection.</summary>
/// <param name="name">Which message, or which part of it.</param>
/// <param name="bytes">Its size.</param>
/// <param name="bytesMax">The largest that is allowed.</param>
public sealed class MessageTooLargeException(string name, long bytes, long bytesMax)
    : SerializationException($"{name} has {bytes} bytes; at most {bytesMax} are allowed.");
