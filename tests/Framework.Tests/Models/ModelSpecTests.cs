using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Models;

public sealed class ModelSpecTests
{
    private const string Full = """
        [{"type":"Conv2d","in_channels":3,"out_channels":8,"kernel_size":3,"stride":1,"bias":true,"padding":"same"},
         {"type":"ReLU"},
         {"type":"SkipConcat","inner":[
           {"type":"Conv2d","in_channels":8,"out_channels":8,"kernel_size":2,"stride":2,"bias":false,"padding":1},
           {"type":"Sequential","inner":[{"type":"Sigmoid"}]},
           {"type":"ConvTranspose2d","in_channels":8,"out_channels":4,"kernel_size":5,"stride":3,"bias":true,
            "padding":2,"output_padding":1}]}]
        """;

    public static TheoryData<string, string> Faults { get; } = new()
    {
        { "", "not JSON (line 1)" },
        { "[\n{]", "not JSON (line 2)" },
        { """[{"type":"ReLU","type":"Sigmoid"}]""", "not JSON: Duplicate property 'type'" },
        { Nested(40), "not JSON" },
        { "null", "layer list: expected a list of at least one layer" },
        { "{}", "layer list: expected a list of at least one layer" },
        { "[]", "layer list: expected a list of at least one layer" },
        { """["ReLU",{"type":"SkipConcat","inner":[]}]""", "layer 1: expected a list of at least one layer" },
        { """["ReLU",{"type":"SkipConcat"}]""", "layer 1: expected a list of at least one layer" },
        { "[1]", "layer 0: expected a layer's name" },
        { "[null]", "layer 0: expected a layer's name" },
        { "[{}]", "layer 0: 'type' must be a string" },
        { """[{"type":7}]""", "layer 0: 'type' must be a string" },
        { """["System.String"]""", "layer 0: no layer is called 'System.String'" },
        { """["relu"]""", "layer 0: no layer is called 'relu'" },
        { """[{"type":"SkipConcat","inner":["ReLU","Tnah"]}]""", "layer 0.1: no layer is called 'Tnah'" },
        { """[{"type":"ReLU","inplace":true}]""", "layer 0: unknown argument 'inplace'" },
        { Conv("\"dilation\":1"), "layer 0: unknown argument 'dilation'" },
        { """["Conv2d"]""", "layer 0: 'in_channels' is missing" },
        { Conv("\"stride\":\"1\""), "layer 0: 'stride' is \"1\", not a whole number" },
        { Conv("\"stride\":1.5"), "layer 0: 'stride' is 1.5, not a whole number" },
        { Conv("\"stride\":[1,1]"), "layer 0: 'stride' is [1,1], not a whole number" },
        { Conv("\"stride\":99999999999"), "layer 0: 'stride' is 99999999999" },
        { Conv("\"bias\":1"), "layer 0: 'bias' is 1, not true or false" },
        { Conv("\"stride\":0"), "m.json: layer 0: Conv2d: stride is 0; allowed are 1 to 256" },
        { Conv("\"padding\":-1"), "layer 0: 'padding' is -1" },
        { Conv("\"padding\":-2"), "layer 0: 'padding' is -2" },
        { Conv("\"padding\":\"valid\""), "layer 0: 'padding' is \"valid\"" },
        { Conv("\"padding\":\"same\",\"stride\":2"), "stride (with padding 'same') is 2" },
        { Conv("\"padding\":2147483647"), "Conv2d: padding is 2147483647" },
        { Convolution("Conv2d", 3, 8, 0), "Conv2d: kernel is 0" },
        { Convolution("Conv2d", 0, 8, 3), "Conv2d: In is 0" },
        { Convolution("Conv2d", 3, -8, 3), "Conv2d: Out is -8" },
        { Convolution("Conv2d", 3, 8, 1000000), "Conv2d: kernel is 1000000" },
        { Convolution("Conv2d", 1000000, 1000000, 3), "parameters" },
        { Convolution("ConvTranspose2d", 1000000, 1000, 3), "parameters" },
        { $"[{One(1000, 120000, 3)},{One(120000, 1000, 3)}]", "parameters" },
        { Convolution("ConvTranspose2d", 3, 8, 3, "\"output_padding\":1"), "ConvTranspose2d: output_padding is 1" },
        { Convolution("ConvTranspose2d", 3, 8, 3, "\"padding\":\"same\""), "layer 0: 'padding' is \"same\"" },
        { Convolution("ConvTranspose2d", 3, 8, 3, "\"padding\":-1"), "layer 0: 'padding' is -1" },
    };

    [Fact]
    public void Parse_WhatWriteGave_GivesTheSameModel()
    {
        string written = ModelSpec.Write(ModelSpec.Parse(Full, "m.json")).ToJsonString();
        Assert.Equal(string.Concat(Full.Where(c => !char.IsWhiteSpace(c))).Length, written.Length);
        Assert.Equal(written, ModelSpec.Write(ModelSpec.Parse(written, "m.json")).ToJsonString());

        Sequential model = ModelSpec.Parse(written, "m.json");
        Assert.Equal(new Conv2d(3, 8, 3, padding: Conv2d.Same), model.Layers[0]);
        Assert.IsType<ReLU>(model.Layers[1]);
        SkipConcat skip = Assert.IsType<SkipConcat>(model.Layers[2]);
        Assert.Equal(new Conv2d(8, 8, 2, stride: 2, padding: 1, bias: false), skip.Inner.Layers[0]);
        Assert.IsType<Sigmoid>(Assert.IsType<Sequential>(skip.Inner.Layers[1]).Layers[0]);
        Assert.Equal(new ConvTranspose2d(8, 4, 5, stride: 3, padding: 2, outputPadding: 1), skip.Inner.Layers[2]);
        Assert.Equal(
            ["0.weight", "0.bias", "2.0.weight", "2.2.weight", "2.2.bias"],
            new Model(model).Parameters.Select(parameter => parameter.Name));
    }

    [Fact]
    public void Parse_NamesAlone_TakesDefaults()
    {
        Sequential model = ModelSpec.Parse(Convolution("Conv2d", 3, 8, 5), "m.json");
        Assert.Equal(new Conv2d(3, 8, 5), model.Layers[0]);
        Assert.IsType<ReLU>(ModelSpec.Parse("""["ReLU"]""", "m.json").Layers[0]);
    }

    /// <summary>Every layer with arguments that are not the defaults, and by its name where that is enough.</summary>
    [Fact]
    public void Parse_EveryLayer_GivesWhatWasWritten()
    {
        Layer[] layers =
        [
            new Linear(3, 4, bias: false),
            new NearestUpsample2d(3),
            new MaxPool2d(3, stride: 2, padding: 1),
            new PixelUnshuffle(3),
            new PixelShuffle(2),
            new BatchNorm2d(5, eps: 1e-3, momentum: 0.01, affine: false),
            new Dropout(0.25),
            new Flatten(),
            new LeakyReLU(0.1),
            new Tanh(),
            new ELU(0.5),
            new SELU(),
        ];
        string written = ModelSpec.Write(new Sequential([.. layers, new Residual(new Sequential(layers))]))
            .ToJsonString();
        Sequential read = ModelSpec.Parse(written, "m.json");
        Assert.Equal(layers, read.Layers.Take(layers.Length));
        Assert.Equal(layers, Assert.IsType<Residual>(read.Layers[^1]).Inner.Layers);
        Assert.Equal(
            [
                new NearestUpsample2d(2), new Dropout(0.5), new Flatten(), new LeakyReLU(0.01), new Tanh(), new ELU(1),
                new SELU(), new MaxPool2d(2, stride: 2), new Linear(3, 4), new BatchNorm2d(6, 1e-5, 0.1),
            ],
            ModelSpec.Parse(
                """
                ["NearestUpsample2d", "Dropout", "Flatten", "LeakyReLU", "Tanh", "ELU", "SELU",
                 {"type": "MaxPool2d", "kernel_size": 2}, {"type": "Linear", "in_features": 3, "out_features": 4},
                 {"type": "BatchNorm2d", "num_features": 6}]
                """,
                "m.json").Layers);
    }

    /// <summary>The stride is the convolution's; without one the size is kept, as before there was one.</summary>
    [Theory]
    [InlineData("", 10, 14)]
    [InlineData(""","stride":1""", 10, 14)]
    [InlineData(""","stride":2""", 5, 7)]
    [InlineData(""","stride":3""", 4, 5)]
    [InlineData(""","stride":2,"scale_factor":4,"kernel_size":5""", 10, 14)]
    public void Upsampling_HasAStride(string arguments, int h, int w)
    {
        Sequential read = ModelSpec.Parse(
            $$"""[{"type":"Upsampling","in_channels":3,"out_channels":8{{arguments}}}]""", "m.json");
        Assert.Equal(new ImageShape(8, h, w), new Model(read).OutputShape(new ImageShape(3, 5, 7)));
        Assert.Equal(
            ModelSpec.Write(read).ToJsonString(),
            ModelSpec.Write(ModelSpec.Parse(ModelSpec.Write(read), "again")).ToJsonString());
    }

    [Theory]
    [InlineData("""{"type":"Linear","in_features":0,"out_features":1}""", "Linear: in_features is 0; allowed are 1 to")]
    [InlineData("""{"type":"Linear","in_features":1}""", "layer 0: 'out_features' is missing")]
    [InlineData("""{"type":"NearestUpsample2d","scale_factor":0}""", "scale_factor is 0; allowed are 1 to 256")]
    [InlineData("""{"type":"NearestUpsample2d","scale_factor":1.5}""", "'scale_factor' is 1.5, not a whole number")]
    [InlineData("""{"type":"MaxPool2d","kernel_size":0}""", "kernel_size is 0; allowed are 1 to 256")]
    [InlineData("""{"type":"MaxPool2d","kernel_size":2,"stride":0}""", "stride is 0; allowed are 1 to 256")]
    [InlineData("""{"type":"MaxPool2d","kernel_size":3,"padding":2}""", "padding is 2; allowed are 0 to 1")]
    [InlineData("""{"type":"MaxPool2d","kernel_size":3,"ceil_mode":true}""", "unknown argument 'ceil_mode'")]
    [InlineData("""{"type":"PixelShuffle"}""", "layer 0: 'upscale_factor' is missing")]
    [InlineData("""{"type":"PixelShuffle","upscale_factor":0}""", "upscale_factor is 0; allowed are 1 to 256")]
    [InlineData("""{"type":"PixelUnshuffle","downscale_factor":257}""", "downscale_factor is 257; allowed are 1 to")]
    [InlineData("""{"type":"PixelUnshuffle","downscale_factor":2,"a":1}""", "unknown argument 'a'")]
    [InlineData("""{"type":"BatchNorm2d","num_features":0}""", "num_features is 0")]
    [InlineData("""{"type":"BatchNorm2d","num_features":1,"eps":0}""", "eps is 0; allowed is")]
    [InlineData("""{"type":"BatchNorm2d","num_features":1,"momentum":1.5}""", "momentum is 1.5; allowed is 0 to 1")]
    [InlineData("""{"type":"Dropout","p":1}""", "p is 1; allowed is 0 to 0.999")]
    [InlineData("""{"type":"Dropout","p":-0.1}""", "p is -0.1; allowed is 0 to 0.999")]
    [InlineData("""{"type":"Dropout","p":"half"}""", "'p' is \"half\", not a number")]
    [InlineData("""{"type":"LeakyReLU","negative_slope":-1}""", "negative_slope is -1; allowed is 0 to 1e6")]
    [InlineData("""{"type":"ELU","alpha":-1}""", "alpha is -1; allowed is 0 to 1e6")]
    [InlineData("""{"type":"Residual"}""", "layer 0: expected a list of at least one layer")]
    public void Parse_BadArgument_NamesItAndTheRangeOnce(string layer, string message)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(
            () => ModelSpec.Parse($"[{layer}]", "m.json"));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.StartsWith("m.json: layer 0", exception.Message, StringComparison.Ordinal);
        Assert.Equal(2, exception.Message.Split("m.json").Length);
    }

    [Theory]
    [InlineData("n2n-initial")]
    [InlineData("n2n-final")]
    [InlineData("n2n-depth:layers=12")]
    [InlineData("n2n-8")]
    [InlineData("n2n-course")]
    [InlineData("n2n-transposed")]
    [InlineData("n2n-unet")]
    [InlineData("mlp-disc:activation=leaky-relu")]
    public void Parse_CatalogueModel_GivesTheSameParameters(string name)
    {
        Sequential model = Catalogue.Find(name, 3)!;
        string written = ModelSpec.Write(model).ToJsonString();
        Sequential read = ModelSpec.Parse(written, "m.json");
        Assert.Equal(written, ModelSpec.Write(read).ToJsonString());
        Assert.Equal(
            new Model(model).Parameters.Select(parameter => (parameter.Name, parameter.Start, parameter.FanIn)),
            new Model(read).Parameters.Select(parameter => (parameter.Name, parameter.Start, parameter.FanIn)));
    }

    /// <summary>Whatever is wrong with a model file, the message says so and where.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public void Parse_Faulty_SaysWhatAndWhere(string json, string message)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(
            () => new Model(ModelSpec.Parse(json, "m.json")));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.NotEmpty(exception.Remedy);
        Assert.DoesNotContain('\n', exception.Message);
    }

    private static string Nested(int depth) =>
        string.Concat(Enumerable.Repeat("""[{"type":"Sequential","inner":""", depth))
        + """["ReLU"]""" + string.Concat(Enumerable.Repeat("}]", depth));

    private static string Conv(string argument) => Convolution("Conv2d", 3, 8, 3, argument);

    private static string One(int @in, int @out, int k) => Convolution("Conv2d", @in, @out, k)[1..^1];

    private static string Convolution(string type, int @in, int @out, int k, string argument = "") =>
        $$"""[{"type":"{{type}}","in_channels":{{@in}},"out_channels":{{@out}},"kernel_size":{{k}}"""
        + (argument.Length == 0 ? "}]" : "," + argument + "}]");
}
