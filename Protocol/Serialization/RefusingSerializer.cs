using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Distributed.Protocol.Serialization;

/// <summary>In the place of a serializer of Akka's that lets a peer name types: refuses and counts.</summary>
/// <remarks>With a manifest that is a mere string, so that Akka does not look for a type of that name first.</remarks>
public sealed class RefusingSerializer : SerializerWithStringManifest
{
    private readonly string _name;

    /// <summary>Called by Akka.</summary>
    /// <param name="system">Whose messages.</param>
    /// <param name="config">"refuses": the identifier of the serializer in whose place this is.</param>
    public RefusingSerializer(ExtendedActorSystem system, Config config)
        : base(system)
    {
        Identifier = config.GetInt("refuses");
        _name = $"serializer {Identifier}";
    }

    /// <inheritdoc/>
    public override int Identifier { get; }

    /// <inheritdoc/>
    public override string Manifest(object o) => "";

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj?.GetType()}: nothing is sent by {_name}.");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        string why = $"Nothing is read by {_name}.";
        MessageRefusals.OnRefused(system, Identifier, why);
        throw new SerializationException(why);
    }
}
