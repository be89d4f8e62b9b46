using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Distributed.Protocol.Serialization;

/// <summary>A serializer of Akka's with the few messages that a cluster needs; refuses and counts the others.</summary>
/// <remarks>
/// Among the others are those that end or restart an actor, and failures, which are read by a constructor of any type
/// that a peer names. A message within a message is read, another within that is not.
/// </remarks>
public sealed class LimitedSerializer : SerializerWithStringManifest
{
    private const int DepthMax = 2;

    [ThreadStatic]
    private static int s_depth;

    private readonly Serializer _inner;
    private readonly HashSet<string> _manifests;

    /// <summary>Called by Akka.</summary>
    /// <param name="system">Whose messages.</param>
    /// <param name="config">"of": the serializer; "only": the manifests that are read.</param>
    public LimitedSerializer(ExtendedActorSystem system, Config config)
        : base(system)
    {
        Type type = Type.GetType(config.GetString("of"), throwOnError: true)!;
        _inner = (Serializer)Activator.CreateInstance(type, system)!;
        _manifests = [.. config.GetStringList("only")];
    }

    /// <inheritdoc/>
    public override int Identifier => _inner.Identifier;

    /// <inheritdoc/>
    public override string Manifest(object o) => Akka.Serialization.Serialization.ManifestFor(_inner, o);

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => _inner.ToBinary(obj);

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!_manifests.Contains(manifest ?? "") || s_depth >= DepthMax)
        {
            string why = $"'{manifest}' is not read by serializer {Identifier} here.";
            MessageRefusals.OnRefused(system, Identifier, why);
            throw new SerializationException(why);
        }

        s_depth++;
        try
        {
            return _inner is SerializerWithStringManifest named
                ? named.FromBinary(bytes, manifest)
                : _inner.FromBinary(bytes, null);
        }
        finally
        {
            s_depth--;
        }
    }
}
