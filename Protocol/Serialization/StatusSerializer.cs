using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Distributed.Protocol.Messages;
using Hyperion;
using Serializer = Akka.Serialization.Serializer;

namespace Distributed.Protocol.Serialization;

/// <summary><see cref="RunStatus"/> as Hyperion writes it, and nothing else.</summary>
/// <remarks>
/// Hyperion allocates what a length says before it reads, and recurses as deep as the bytes say. So only a program that
/// has asked for a status reads one (setting "reads"); coordinators and workers refuse all of them.
/// </remarks>
public sealed class StatusSerializer : SerializerWithStringManifest
{
    /// <summary>For the settings of a program that asks.</summary>
    public const string ReadingSettings = "akka.actor.serialization-settings.status.reads = on";

    private readonly ClosedHyperion _hyperion;
    private readonly bool _isReading;

    /// <summary>Called by Akka.</summary>
    public StatusSerializer(ExtendedActorSystem system, Config config)
        : base(system)
    {
        _hyperion = new ClosedHyperion(system);
        _isReading = config.GetBoolean("reads");
    }

    /// <inheritdoc/>
    public override int Identifier => 5502;

    /// <inheritdoc/>
    public override string Manifest(object o) => "";

    /// <inheritdoc/>
    /// <exception cref="MessageTooLargeException">It is too large for an Akka message.</exception>
    public override byte[] ToBinary(object obj)
    {
        byte[] bytes = _hyperion.ToBinary(obj);
        return bytes.Length <= MessageSerializer.BytesMax
            ? bytes
            : throw new MessageTooLargeException(obj.GetType().Name, bytes.Length, MessageSerializer.BytesMax);
    }

    /// <inheritdoc/>
    /// <exception cref="SerializationException">It is refused, and counted.</exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            return _isReading
                && bytes.Length <= MessageSerializer.BytesMax
                && _hyperion.FromBinary(bytes, null!) is RunStatus status
                && _hyperion.ToBinary(status).AsSpan().SequenceEqual(bytes)
                    ? status
                    : throw new SerializationException("Not a status, or not asked for.");
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Hyperion throws what reading goes wrong with, whatever that is.
            MessageRefusals.OnRefused(system, Identifier, exception.Message);
            throw exception as SerializationException
                ?? new SerializationException($"Not a status: {exception.Message}", exception);
        }
    }

    /// <remarks>Its settings cannot close it: what they say of types is not used, or keeps it from writing.</remarks>
    private sealed class ClosedHyperion(ExtendedActorSystem system) : HyperionSerializer(
        system,
        HyperionSerializerSettings.Default
            .WithVersionTolerance(false)
            .WithPreserveObjectReference(false)
            .WithKnownTypesProvider(typeof(StatusTypes))
            .WithDisallowUnsafeType(true)
            .WithTypeFilter(new StatusTypes()));

    /// <summary>All types that may be named, in the spellings of reader and writer.</summary>
    private sealed class StatusTypes : IKnownTypesProvider, ITypeFilter
    {
        private static readonly Type[] s_types =
            [typeof(RunStatus), typeof(WorkerStatus), typeof(WorkerStatus[]), typeof(WorkerKind)];

        private static readonly HashSet<string> s_names = [.. s_types.SelectMany(type =>
            new[] { type.AssemblyQualifiedName!, $"{type.FullName}, {type.Assembly.GetName().Name}" })];

        public IEnumerable<Type> GetKnownTypes() => s_types;

        public bool IsAllowed(string typeName) => s_names.Contains(typeName);
    }
}
