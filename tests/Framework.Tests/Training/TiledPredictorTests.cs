using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>A picture in tiles has the bits of the picture in one piece: no seam, whatever the model.</summary>
public sealed class TiledPredictorTests
{
    private static readonly (string Name, Sequential Layers, int Multiple)[] s_models =
    [
        ("initial", Catalogue.Find("n2n-initial:channels=17", 2)!, 1),
        ("final", Catalogue.Find("n2n-final:channels=20", 2)!, 1),
        ("course", Catalogue.Find("n2n-course:channels=18", 2)!, 4),
        ("transposed", Catalogue.Find("n2n-transposed:channels=18", 2)!, 4),
        ("unet", Catalogue.Find("n2n-unet", 2)!, 32),
        ("residual", new Sequential(
            new Conv2d(2, 16, 5, padding: 2),
            new BatchNorm2d(16),
            new Residual(new Sequential(new Conv2d(16, 16, 3), new ELU(), new ConvTranspose2d(16, 16, 3))),
            new NearestUpsample2d(3),
            new Conv2d(16, 16, 3, padding: 1),
            new MaxPool2d(3),
            new Conv2d(16, 2, 1)), 1),
        ("shuffled", new Sequential(
            new PixelUnshuffle(2),
            new Conv2d(8, 16, 3, padding: 1),
            new ReLU(),
            new SkipConcat(new Sequential(
                new PixelUnshuffle(2), new Conv2d(64, 36, 3, padding: 1), new ELU(), new PixelShuffle(2))),
            new Conv2d(25, 8, 3, padding: 1),
            new PixelShuffle(2)), 4),
    ];

    public static TheoryData<string, string> Cases
    {
        get
        {
            TheoryData<string, string> cases = [];
            foreach ((string name, _, _) in s_models)
            {
                cases.Add(name, "auto");
                cases.Add(name, "winograd2");
                cases.Add(name, "direct");
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tiles_HaveTheBitsOfTheWhole(string name, string algorithm)
    {
        (_, Sequential layers, int multiple) = s_models.Single(each => each.Name == name);
        Model model = new(layers, ConvolutionAlgorithms.Parse(algorithm));
        TestValues values = new(5);
        float[] state = new float[model.StateCount];
        model.InitializeBuffers(state);
        DefaultInitializer.Fill(model, seed: 3, state);
        int unit = Math.Max(multiple, 8);
        ImageShape shape = new(2, ((9 * unit) + 5) / multiple * multiple, ((7 * unit) + 3) / multiple * multiple);
        float[] picture = values.Floats(shape.Elements);
        Plan plan = model.Compile(shape);
        Replica replica = plan.CreateReplica();
        replica.Load(state);
        Predictor whole = new(plan);
        picture.CopyTo(whole.Input, 0);
        whole.Run(replica);
        float[] tiled = new float[shape.Elements];
        TiledPredictor predictor = new(model, state, threads: 2) { Side = unit };
        for (int other = 0; other < 2; other++)
        {
            // What other pictures leave in the memory that is kept changes nothing.
            predictor.Run(shape, values.Floats(shape.Elements), tiled);
        }

        predictor.Run(shape, picture, tiled);
        Assert.Equal(whole.Output, tiled);
    }

    /// <summary>Sides that strides do not divide: the picture goes on by reflection, and is cut again.</summary>
    [Theory]
    [InlineData("n2n-unet", 45, 33)]
    [InlineData("n2n-course", 9, 6)]
    [InlineData("n2n-course", 1, 7)]
    public void Sizes_ThatStridesDoNotDivide_AreTaken(string name, int height, int width)
    {
        Model model = new(Catalogue.Find(name, 1)!);
        TestValues values = new(6);
        float[] state = values.Floats(model.StateCount);
        ImageShape shape = new(1, height, width);
        TiledPredictor predictor = new(model, state, threads: 1);
        ImageShape room = predictor.Room(shape)!.Value;
        float[] picture = values.Floats(shape.Elements);
        float[] larger = new float[room.Elements];
        for (int y = 0; y < room.H; y++)
        {
            for (int x = 0; x < room.W; x++)
            {
                larger[(y * room.W) + x] = picture[(Back(y, height) * width) + Back(x, width)];
            }
        }

        float[] expected = new float[room.Elements];
        float[] actual = new float[shape.Elements];
        predictor.Run(room, larger, expected);
        predictor.Run(shape, picture, actual);
        for (int y = 0; y < height; y++)
        {
            Assert.Equal(expected.AsSpan(y * room.W, width), actual.AsSpan(y * width, width));
        }

        // 0 1 2 3 2 1 0 1 ...
        static int Back(int i, int length)
        {
            int step = 1;
            int at = 0;
            for (; i > 0 && length > 1; i--)
            {
                step = at + step < 0 || at + step == length ? -step : step;
                at += step;
            }

            return at;
        }
    }

    /// <summary>The tests above could not fail if pictures were never cut, or margins took in everything.</summary>
    [Fact]
    public void Reads_IsAMarginOnly()
    {
        PixelSpan? read = Catalogue.Find("n2n-final", 3)!.Reads(new PixelSpan(64, 128));
        Assert.Equal(new PixelSpan(51, 141), read);
        Assert.Null(new Sequential(new Flatten(), new Linear(4, 4)).Reads(new PixelSpan(0, 4)));
    }
}
