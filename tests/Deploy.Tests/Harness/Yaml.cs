using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Distributed.Deploy.Tests.Harness;

/// <summary>A part of a YAML document: a mapping, a list, or a text.</summary>
internal sealed class Yaml(object? value, string path)
{
    /// <summary>Whether there is anything.</summary>
    public bool IsThere => value is not null;

    /// <summary>Its text.</summary>
    public string Text => value as string ?? throw new InvalidOperationException($"{path} is no text.");

    /// <summary>Its number.</summary>
    public int Number => int.Parse(Text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The members of a list; none if it is not there.</summary>
    public IEnumerable<Yaml> Items => value is null ? [] : value is IList<object> list
        ? list.Select((item, index) => new Yaml(item, $"{path}[{index}]"))
        : throw new InvalidOperationException($"{path} is no list.");

    /// <summary>The texts of a list.</summary>
    public IEnumerable<string> Texts => Items.Select(item => item.Text);

    /// <summary>The members of a mapping; none if it is not there.</summary>
    public IReadOnlyDictionary<string, Yaml> Members => Map()
        .ToDictionary(member => (string)member.Key, member => new Yaml(member.Value, $"{path}.{member.Key}"));

    /// <summary>A member of a mapping, whether it is there or not.</summary>
    public Yaml this[string name] => new(Map().TryGetValue(name, out object? member) ? member : null, $"{path}.{name}");

    /// <summary>The documents of a file of this repository.</summary>
    public static IReadOnlyList<Yaml> Load(string name) => Parse(Repository.Read(name), name);

    /// <summary>The documents of a text.</summary>
    public static IReadOnlyList<Yaml> Parse(string text, string name)
    {
        IDeserializer deserializer = new DeserializerBuilder().Build();
        MergingParser parser = new(new Parser(new StringReader(text)));
        List<Yaml> documents = [];
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
        {
            documents.Add(new Yaml(deserializer.Deserialize<object>(parser), name));
        }

        return documents;
    }

    public override string ToString() => path;

    private IDictionary<object, object> Map() => value switch
    {
        null => new Dictionary<object, object>(),
        IDictionary<object, object> map => map,
        _ => throw new InvalidOperationException($"{path} is no mapping."),
    };
}
