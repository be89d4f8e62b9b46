using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Layers;

namespace Distributed.Framework.Tests.Golden;

/// <summary>Everything against PyTorch in float64, at every vector width.</summary>
/// <remarks>
/// Error budget for a relative L2 distance: float32 rounds by 6e-8, sums of some hundred products lose a few times
/// that, hence 1e-6. Twenty steps of Adam amplify it through roots of tiny squares: 1e-5 for the losses.
/// </remarks>
public sealed class GoldenTests
{
    private const double Tolerance = 1e-6;
    private const double TrajectoryTolerance = 1e-5;

    public static TheoryData<string, int> LayerCases { get; } = Cross(
        GoldenCase.Names(
            "batch_norm2d",
            "conv2d",
            "conv_transpose2d",
            "elu",
            "leaky_relu",
            "linear",
            "max_pool2d",
            "pixel_shuffle",
            "pixel_unshuffle",
            "relu",
            "selu",
            "sigmoid",
            "tanh",
            "upsample_nearest"));

    public static TheoryData<string, int> ModelCases { get; } = Cross(GoldenCase.Names("model_"));

    public static TheoryData<string, int> TrajectoryCases { get; } = Cross(GoldenCase.Names("trajectory_"));

    public static TheoryData<string> LossCases { get; } = GoldenCase.Names("mse", "l1", "cross_entropy");

    public static TheoryData<string> OptimizerCases { get; } = GoldenCase.Names("optimizer_");

    [Theory]
    [MemberData(nameof(LayerCases))]
    public void Layer_ReferenceCase_MatchesForwardAndBackward(string name, int bits) =>
        AssertLayer(name, bits, ConvolutionAlgorithm.Direct, Tolerance);

    internal static void AssertLayer(string name, int bits, ConvolutionAlgorithm algorithm, double tolerance)
    {
        GoldenCase golden = GoldenCase.Load(name);
        (int n, ImageShape input) = golden.Batch("x");
        Layer layer = LayerOf(golden);
        int imagesPerPass = layer is BatchNorm2d or Linear ? n : 1;
        LayerRun run = new(new Sequential(layer), input, bits, imagesPerPass, algorithm);
        foreach (ParameterSpec parameter in run.Model.Parameters)
        {
            string tensor = parameter.Name[2..];
            Assert.Equal(golden.Shape(tensor), parameter.Shape);
            golden.Floats(tensor).CopyTo(run.Slice(run.Parameters, parameter.Name));
        }

        float[] outputGradient = golden.Floats("grad_y");
        int outputs = run.OutputShape.Elements;
        run.Run(golden.Floats("x"), n, (_, image) => outputGradient[(image * outputs)..((image + 1) * outputs)]);

        Distance.AssertClose("y", run.Output, golden.Floats("y"), tolerance);
        Distance.AssertClose("grad_x", run.InputGradient, golden.Floats("grad_x"), tolerance);
        foreach (ParameterSpec parameter in run.Model.Parameters)
        {
            string tensor = "grad_" + parameter.Name[2..];
            Distance.AssertClose(tensor, run.Slice(run.Gradient, parameter.Name), golden.Floats(tensor), tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(LossCases))]
    public void Loss_ReferenceCase_MatchesValueAndGradient(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        float[] x = golden.Floats("x");
        float[] gradient = new float[x.Length];
        int n = golden.Shape("x")[0];
        int elements = x.Length / n;
        string op = golden.Text("op");
        Loss loss = LossCatalogue.Create(op.Replace('_', '-'), new ImageShape(elements, 1, 1));
        double sum = 0;
        for (int i = 0; i < n; i++)
        {
            Range range = (i * elements)..((i + 1) * elements);
            sum += op == "cross_entropy"
                ? EvaluateBothWays((CrossEntropy)loss, x[range], (int)golden.Longs("target")[i], gradient.AsSpan(range))
                : loss.Evaluate(x[range], golden.Floats("target").AsSpan(range), gradient.AsSpan(range));
        }

        float terms = n * loss.Divisor(elements);
        Distance.AssertClose("loss", [(float)(sum / terms)], golden.Floats("loss"), Tolerance);
        Distance.AssertClose(
            "grad_x", gradient.Select(value => value / terms).ToArray(), golden.Floats("grad_x"), Tolerance);
    }

    [Theory]
    [MemberData(nameof(OptimizerCases))]
    public void Optimizer_SixSteps_MatchesWeights(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        float[] gradients = golden.Floats("grads");
        float[] weights = golden.Floats("weights");
        int count = golden.Shape("grads")[1];
        Optimizer optimizer = OptimizerOf(golden, count);
        AlignedBuffer parameters = Buffer(weights.AsSpan(0, count));
        for (int step = 0; step < golden.Shape("grads")[0]; step++)
        {
            AlignedBuffer gradient = Buffer(gradients.AsSpan(step * count, count));
            optimizer.Step(parameters, gradient, 1, golden.Double("lr"), parameters);
            Distance.AssertClose(
                $"step {step + 1}", parameters.Span, weights.AsSpan((step + 1) * count, count), Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(ModelCases))]
    public void Model_ReferenceCase_MatchesForwardAndBackward(string name, int bits) =>
        AssertModel(name, bits, ConvolutionAlgorithm.Direct, Tolerance);

    internal static void AssertModel(string name, int bits, ConvolutionAlgorithm algorithm, double tolerance)
    {
        GoldenCase golden = GoldenCase.Load(name);
        (LayerRun run, int n) = LoadModel(golden, bits, algorithm);
        double loss = RunModel(run, golden, n);

        Distance.AssertClose("y", run.Output, golden.Floats("y"), tolerance);
        Distance.AssertClose("loss", [(float)loss], golden.Floats("loss"), tolerance);
        foreach (ParameterSpec parameter in run.Model.Parameters)
        {
            float[] mean = [.. run.Slice(run.Gradient, parameter.Name).ToArray().Select(g => g / run.Output.Length)];
            Distance.AssertClose(parameter.Name, mean, golden.Floats("grad_" + parameter.Name), tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(TrajectoryCases))]
    public void Training_TwentyStepsOfAdam_MatchesLossesAndWeights(string name, int bits) =>
        AssertTraining(name, bits, TrajectoryTolerance);

    /// <summary>
    /// Adam begins with steps by the sign of a gradient: where that is smaller than its rounding, a weight goes either
    /// way, whoever computes it, and there are such weights in about every second case. All others must agree.
    /// </summary>
    private static void AssertTraining(string name, int bits, double tolerance)
    {
        GoldenCase golden = GoldenCase.Load(name);
        float[] losses = golden.Floats("losses");
        float[] actual = new float[losses.Length];
        LayerRun run = Train(golden, bits, (step, _, loss) => actual[step] = (float)loss);
        Distance.AssertClose("losses", actual, losses, tolerance);
        foreach (ParameterSpec parameter in run.Model.Parameters)
        {
            Distance.AssertCloseButFew(
                parameter.Name,
                run.Slice(run.Parameters, parameter.Name),
                golden.Floats("end_" + parameter.Name),
                tolerance,
                far: 2 * losses.Length * golden.Double("lr"));
        }
    }

    /// <summary>
    /// Gradients at the weights that training with the direct algorithm goes through. Where a sum before a ReLU is
    /// smaller than its rounding, a whole path is in one gradient and not in the other: that may happen in a few steps.
    /// </summary>
    internal static void AssertGradientsOfTraining(
        string name, int bits, ConvolutionAlgorithm algorithm, double tolerance)
    {
        GoldenCase golden = GoldenCase.Load(name);
        (LayerRun other, int n) = LoadModel(golden, bits, algorithm);
        List<double> distances = [];
        Train(golden, bits, (_, run, _) =>
        {
            run.Parameters.CopyTo(other.Parameters);
            RunModel(other, golden, n);
            distances.Add(Distance.RelativeL2(other.Gradient, run.Gradient));
        });
        distances.Sort();
        Assert.True(
            distances[distances.Count / 2] <= tolerance && distances[^1] <= 0.02,
            $"{algorithm}, {bits} bits: {string.Join(' ', distances.Select(distance => distance.ToString("E1")))}");
    }

    /// <summary>Trains by Adam with the direct algorithm; tells each step's loss and gradient.</summary>
    private static LayerRun Train(GoldenCase golden, int bits, Action<int, LayerRun, double> onStep)
    {
        (LayerRun run, int n) = LoadModel(golden, bits, ConvolutionAlgorithm.Direct);
        Adam adam = new(run.Parameters.Length);
        for (int step = 0; step < golden.Int("steps"); step++)
        {
            onStep(step, run, RunModel(run, golden, n));
            AlignedBuffer parameters = Buffer(run.Parameters);
            adam.Step(parameters, Buffer(run.Gradient), run.Output.Length, golden.Double("lr"), parameters);
            parameters.Span.CopyTo(run.Parameters);
        }

        return run;
    }

    private static TheoryData<string, int> Cross(TheoryData<string> names)
    {
        TheoryData<string, int> cases = [];
        foreach (string name in names)
        {
            foreach (int bits in new[] { 128, 256, 512 })
            {
                cases.Add(name, bits);
            }
        }

        return cases;
    }

    private static Layer LayerOf(GoldenCase golden)
    {
        switch (golden.Text("op"))
        {
            case "conv2d":
                int[] weight = golden.Shape("weight");
                return new Conv2d(
                    weight[1], weight[0], weight[2], golden.Int("stride"), golden.Int("padding"), golden.Has("bias"));
            case "conv_transpose2d":
                weight = golden.Shape("weight");
                return new ConvTranspose2d(
                    weight[0],
                    weight[1],
                    weight[2],
                    golden.Int("stride"),
                    golden.Int("padding"),
                    golden.Int("output_padding"));
            case "batch_norm2d":
                return new BatchNorm2d(golden.Shape("weight")[0], golden.Double("eps"));
            case "linear":
                weight = golden.Shape("weight");
                return new Linear(weight[1], weight[0], golden.Has("bias"));
            case "max_pool2d":
                return new MaxPool2d(golden.Int("kernel"), golden.Int("stride"), golden.Int("padding"));
            case "pixel_shuffle":
                return new PixelShuffle(golden.Int("upscale_factor"));
            case "pixel_unshuffle":
                return new PixelUnshuffle(golden.Int("downscale_factor"));
            case "upsample_nearest":
                return new NearestUpsample2d(golden.Int("scale"));
            default:
                return ActivationOf(golden);
        }
    }

    private static Activation ActivationOf(GoldenCase golden)
    {
        switch (golden.Text("op"))
        {
            case "elu":
                return new ELU(golden.Double("alpha"));
            case "leaky_relu":
                return new LeakyReLU(golden.Double("negative_slope"));
            case "selu":
                return new SELU();
            case "tanh":
                return new Tanh();
            case "relu":
                return new ReLU();
            case "sigmoid":
                return new Sigmoid();
            default:
                throw new InvalidOperationException(golden.Text("op"));
        }
    }

    private static double EvaluateBothWays(CrossEntropy loss, float[] logits, int right, Span<float> gradient)
    {
        float[] oneHot = new float[logits.Length];
        float[] other = new float[logits.Length];
        oneHot[right] = 1;
        double value = loss.EvaluateClasses(logits, [right], gradient);
        Assert.Equal(value, loss.Evaluate(logits, oneHot, other), 1e-12);
        Distance.AssertClose("one-hot", other, gradient, Tolerance);
        return value;
    }

    private static Optimizer OptimizerOf(GoldenCase golden, int count)
    {
        string name = golden.Text("optimizer");
        bool other = name == "adam_wd";
        OptimizerOptions options = OptimizerOptions.DefaultsOf(name.Split('_')[0]);
        return (options with
        {
            Momentum = golden.Double("momentum"),
            Nesterov = name.Contains("nesterov", StringComparison.Ordinal),
            WeightDecay = golden.Double("weight_decay"),
            Beta1 = other ? 0.8 : 0.9,
            Beta2 = other ? 0.99 : 0.999,
            Epsilon = golden.Double("eps", options.Epsilon),
            ClipNorm = golden.Double("clip_norm"),
        }).Create(count);
    }

    private static (LayerRun Run, int N) LoadModel(
        GoldenCase golden, int bits, ConvolutionAlgorithm algorithm)
    {
        (int n, ImageShape input) = golden.Batch("x");
        string specification = $"n2n-{golden.Text("model")}:channels={golden.Int("channels")}";
        LayerRun run = new(Catalogue.Find(specification, input.C)!, input, bits, convolutions: algorithm);
        foreach (ParameterSpec parameter in run.Model.Parameters)
        {
            golden.Floats(parameter.Name).CopyTo(run.Slice(run.Parameters, parameter.Name));
        }

        return (run, n);
    }

    private static double RunModel(LayerRun run, GoldenCase golden, int n)
    {
        float[] target = golden.Floats("target");
        int outputs = run.OutputShape.Elements;
        double sum = 0;
        run.Run(golden.Floats("x"), n, (output, image) =>
        {
            float[] gradient = new float[outputs];
            sum += new MeanSquaredError().Evaluate(output, target.AsSpan(image * outputs, outputs), gradient);
            return gradient;
        });
        return sum / (n * outputs);
    }

    private static AlignedBuffer Buffer(ReadOnlySpan<float> values)
    {
        AlignedBuffer buffer = new(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }
}
