using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Runs;

/// <summary>
/// <c>options.json</c> in the run folder: where and how the run was computed last. The result does not depend on it.
/// </summary>
internal static class OptionsFile
{
    private const string Name = "options.json";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        WriteIndented = true,
        Converters = { new AddressConverter(), new HostPortConverter() },
    };

    /// <summary>What it holds; null if it is not there, as in folders of before. Unknown keys are ignored.</summary>
    /// <exception cref="DataException">It is damaged, or cannot be read.</exception>
    public static TrainOptions? Find(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<TrainOptions>(File.ReadAllText(path), s_json);
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new DataException(
                $"{path} cannot be read: {exception.Message}",
                "Remove it, and give options such as --workers and --listen again; no result depends on it.",
                exception);
        }
    }

    /// <summary>Writes it, in one piece.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string folder, TrainOptions options) =>
        AtomicFile.WriteAllText(Path.Combine(folder, Name), JsonSerializer.Serialize(options, s_json) + "\n");

    /// <summary>HOST:PORT, as on the command line.</summary>
    private sealed class AddressConverter : JsonConverter<ListenAddress>
    {
        public override ListenAddress? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && ListenAddress.Parse(reader.GetString()!) is { } address
                ? address
                : throw new JsonException("An address is HOST:PORT.");

        public override void Write(Utf8JsonWriter writer, ListenAddress value, JsonSerializerOptions options) =>
            writer.WriteStringValue(new IPEndPoint(value.Address, value.Port).ToString());
    }

    /// <summary>The same of another machine.</summary>
    private sealed class HostPortConverter : JsonConverter<HostPort>
    {
        public override HostPort? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && HostPort.Parse(reader.GetString()!) is { } address
                ? address
                : throw new JsonException("An address is HOST:PORT.");

        public override void Write(Utf8JsonWriter writer, HostPort value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
