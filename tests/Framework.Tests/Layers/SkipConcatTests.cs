using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Every way in which activations can share memory, against a twin that copies everything.</summary>
public sealed class SkipConcatTests
{
    private static readonly (string Name, Func<int, Sequential> Build)[] s_networks =
    [
        ("input joined with itself", _ => new(Skip())),
        ("twice joined with itself", _ => new(Skip(), Skip())),
        ("nested copies", _ => new(Skip(Skip(Skip())))),
        ("input in a concatenation", c => new(Skip(Conv(c, 3)))),
        ("input in a concatenation, read on", c => new(Skip(Conv(c, 3)), Conv(c + 3, 2))),
        ("activation inside first", c => new(Skip(new ReLU(), Conv(c, 3)))),
        ("activation inside only", _ => new(Skip(new ReLU()))),
        ("activation after", c => new(Skip(Conv(c, 3)), new ReLU())),
        ("activation after, read on", c => new(Skip(Conv(c, 3)), new ReLU(), Conv(c + 3, 2))),
        ("convolution, then activation inside", c => new(Conv(c, 4), Skip(new ReLU()))),
        ("convolution, then skipped convolution", c => new(Conv(c, 4), Skip(Conv(4, 2)), Conv(6, 1))),
        ("fused, then skipped", c => new(Conv(c, 4), new ReLU(), Skip(Conv(4, 2), new ReLU()), Up(6, 1), new ReLU())),
        ("two activations", c => new(Conv(c, 4), new ReLU(), new ReLU(), Skip(new ReLU(), new ReLU()))),
        ("one after the other", c => new(Skip(Conv(c, 2)), Skip(Conv(c + 2, 3)), Skip(Conv(c + 5, 1)))),
        ("one after the other, with activations", c => new(
            Conv(c, 2), new ReLU(), Skip(Conv(2, 2), new ReLU()),
            Skip(new ReLU(), Conv(4, 3)), new ReLU(), Conv(7, 2))),
        ("nested", c => new(Skip(Conv(c, 2), Skip(Conv(2, 3)), Conv(5, 2)))),
        ("nested at once", c => new(Skip(Skip(Conv(c, 2))), Conv((2 * c) + 2, 3))),
        ("nested, first part written before the second", c => new(Conv(c, 3), Skip(Skip(Conv(3, 2)), Conv(5, 4)))),
        ("nested, at the start and the end", c => new(
            Conv(c, 3), Skip(Skip(Conv(3, 2)), Conv(5, 4), Skip(Conv(4, 1))))),
        ("nested three times", c => new(
            Conv(c, 2), new ReLU(),
            Skip(Conv(2, 3), Skip(new ReLU(), Skip(Conv(3, 1)), Conv(4, 2)), Conv(5, 2)), Up(4, 2))),
        ("concatenation of concatenations", c => new(Skip(Conv(c, 2), Skip(Conv(2, 17))), Skip(Conv(c + 19, 3)))),
        ("sequences in sequences", c => new(
            new Sequential(new Sequential(Conv(c, 2)), new ReLU()),
            Skip(new Sequential(Conv(2, 2), new Sequential())))),
        ("down and up", c => new(
            Conv(c, 3), new ReLU(),
            Skip(new Conv2d(3, 5, 2, stride: 2), new ReLU(), new ConvTranspose2d(5, 4, 2, stride: 2)),
            Conv(7, 2))),
        ("wide kernel reads a concatenation", c => new(Skip(Conv(c, 3)), new Conv2d(c + 3, 2, 5, padding: 4))),
    ];

    public static TheoryData<string> Names => [.. s_networks.Select(network => network.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Network_WholeNumbers_EqualsTwin(string name)
    {
        Func<int, Sequential> build = s_networks.Single(network => network.Name == name).Build;
        TestValues values = new(7);
        foreach (int channels in new[] { 1, 3, 16, 17 })
        {
            foreach (int bits in new[] { 128, 256, 512 })
            {
                foreach (int imagesPerPass in new[] { 1, 3 })
                {
                    ImageShape input = new(channels, 4, 6);
                    Twin.AssertExact(name, build(channels), input, bits, n: 4, imagesPerPass, values, limit: 1);
                }
            }
        }
    }

    private static SkipConcat Skip(params Layer[] inner) => new(new Sequential(inner));

    private static Conv2d Conv(int @in, int @out) => new(@in, @out, 3, padding: 1);

    private static ConvTranspose2d Up(int @in, int @out) => new(@in, @out, 3, padding: 1);
}
