using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>Where a batch normalization's vectors begin in the flat state; -1 for a weight or bias it lacks.</summary>
internal readonly record struct BatchNormStarts(int Weight, int Bias, int RunningMean, int RunningVariance);

/// <summary>Normalizes each channel over the images of a pass, which in training are a whole shard.</summary>
/// <remarks>
/// Sums: a line from zero, lines to an image, images to the shard, all in order. The variance takes a second pass over
/// the deviations, as it loses nothing to a large mean. Outside training the running statistics take their place.
/// Source: Ioffe, Szegedy 2015, "Batch Normalization"; values and gradients as torch.nn.BatchNorm2d, PyTorch 1.13.
/// </remarks>
/// <param name="input">What it reads.</param>
/// <param name="output">What it writes; its channels lie as the input's.</param>
/// <param name="starts">Where its vectors are.</param>
/// <param name="epsilon">Added to the variance.</param>
internal sealed unsafe class BatchNormOperation(
    ActivationNode input, ActivationNode output, BatchNormStarts starts, double epsilon)
    : Operation(input, output), IActivated
{
    /// <summary>Those of <see cref="Statistics"/>.</summary>
    private const int Vectors = 10;

    private readonly float _epsilon = (float)epsilon;
    private int[] _channelOf = [];

    /// <inheritdoc/>
    public ActivationKind Activation { get; set; }

    /// <summary>Weight, bias, running mean and the running scale.</summary>
    public override int PackedFloats => checked(4 * Output.Floats);

    /// <summary>Weight, bias, mean and variance.</summary>
    public override int GradientFloats => checked(4 * Output.Floats);

    public override int ScratchFloats => checked(Vectors * Output.Floats);

    public override void Bind() => _channelOf = Output.ChannelOfFloat();

    public override void Pack(ReadOnlySpan<float> parameters, Replica replica)
    {
        Span<float> packed = replica.Packed(this);
        int floats = Output.Floats;
        PackVector(parameters, starts.Weight, otherwise: 1, _channelOf, packed[..floats]);
        PackVector(parameters, starts.Bias, otherwise: 0, _channelOf, packed[floats..]);
        PackVector(parameters, starts.RunningMean, otherwise: 0, _channelOf, packed[(2 * floats)..]);
        for (int i = 0; i < floats; i++)
        {
            float variance = _channelOf[i] < 0 ? 1 : parameters[starts.RunningVariance + _channelOf[i]];
            packed[(3 * floats) + i] = packed[i] / MathF.Sqrt(variance + _epsilon);
        }
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        int floats = Output.Floats;
        float* packed = replica.PackedPointer(this);
        float* mean = packed + (2 * floats);
        float* scale = packed + (3 * floats);
        if (workspace.IsTraining)
        {
            Statistics shard = new(workspace.Scratch(this), floats);
            Measure(workspace, shard, packed);
            mean = shard.Mean;
            scale = shard.Scale;
        }

        for (int image = 0; image < workspace.Images; image++)
        {
            for (int y = 0; y < Input.Shape.H; y++)
            {
                NormalizationLine line = Line(workspace, image, y, workspace.Activation(Output, image), mean, scale);
                workspace.Kernels.Normalize(line with { Shift = packed + floats });
                if (Activation != ActivationKind.None)
                {
                    workspace.Kernels.Activate(
                        Activation,
                        line.Output,
                        line.OutputPixel,
                        line.Output,
                        line.OutputPixel,
                        line.Pixels,
                        floats);
                }
            }
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        Statistics shard = new(workspace.Scratch(this), Output.Floats);
        SumGradients(workspace, shard);
        float count = Count(workspace);
        float* sums = workspace.GradientSumsPointer(this);
        for (int i = 0; i < Output.Floats; i++)
        {
            float inverse = shard.Inverse[i];
            sums[i] = shard.Total2[i] * inverse;
            sums[Output.Floats + i] = shard.Total1[i];
            sums[(2 * Output.Floats) + i] = workspace.Images * shard.Mean[i];
            sums[(3 * Output.Floats) + i] = workspace.Images * shard.Variance[i];
            shard.Shift[i] = shard.Total1[i] / count;
            shard.Slope[i] = shard.Total2[i] / count * (inverse * inverse);
        }

        for (int image = 0; InputGradient != GradientMode.Skip && image < workspace.Images; image++)
        {
            for (int y = 0; y < Input.Shape.H; y++)
            {
                NormalizationLine line =
                    Line(workspace, image, y, workspace.Gradient(Output, image), shard.Mean, shard.Scale);
                workspace.Kernels.NormalizeBackward(line with
                {
                    Shift = shard.Shift,
                    Slope = shard.Slope,
                    InputGradient = workspace.Gradient(Input, image) + ((nint)y * Input.LineFloats),
                    Accumulate = InputGradient == GradientMode.Accumulate,
                });
            }
        }
    }

    public override void Unpack(Workspace workspace, Span<float> gradient)
    {
        ReadOnlySpan<float> sums = workspace.GradientSums(this);
        int floats = Output.Floats;
        UnpackVector(sums, _channelOf, starts.Weight, gradient);
        UnpackVector(sums[floats..], _channelOf, starts.Bias, gradient);
        UnpackVector(sums[(2 * floats)..], _channelOf, starts.RunningMean, gradient);
        UnpackVector(sums[(3 * floats)..], _channelOf, starts.RunningVariance, gradient);
    }

    private float Count(Workspace workspace) => (float)((long)workspace.Images * Input.Shape.H * Input.Shape.W);

    private void Measure(Workspace workspace, Statistics shard, float* weight)
    {
        float count = Count(workspace);
        SumImages(workspace, shard, squares: false);
        for (int i = 0; i < Output.Floats; i++)
        {
            shard.Mean[i] = shard.Total1[i] / count;
        }

        SumImages(workspace, shard, squares: true);
        for (int i = 0; i < Output.Floats; i++)
        {
            shard.Variance[i] = shard.Total1[i] / Math.Max(1, count - 1);
            shard.Inverse[i] = 1 / MathF.Sqrt((shard.Total1[i] / count) + _epsilon);
            shard.Scale[i] = weight[i] * shard.Inverse[i];
        }
    }

    private void SumImages(Workspace workspace, Statistics shard, bool squares)
    {
        int floats = Output.Floats;
        new Span<float>(shard.Total1, floats).Clear();
        for (int image = 0; image < workspace.Images; image++)
        {
            new Span<float>(shard.Image1, floats).Clear();
            float* source = workspace.Activation(Input, image);
            for (int y = 0; y < Input.Shape.H; y++, source += Input.LineFloats)
            {
                if (squares)
                {
                    workspace.Kernels.AddSquares(
                        source, Input.PixelFloats, Input.Shape.W, floats, shard.Mean, shard.Image1);
                }
                else
                {
                    workspace.Kernels.AddPixels(source, Input.PixelFloats, Input.Shape.W, floats, shard.Image1);
                }
            }

            workspace.Kernels.Add(shard.Image1, shard.Total1, floats);
        }
    }

    private void SumGradients(Workspace workspace, Statistics shard)
    {
        int floats = Output.Floats;
        new Span<float>(shard.Total1, 2 * floats).Clear();
        for (int image = 0; image < workspace.Images; image++)
        {
            BackwardOfActivation(workspace, image, Activation);
            new Span<float>(shard.Image1, 2 * floats).Clear();
            for (int y = 0; y < Input.Shape.H; y++)
            {
                NormalizationLine line =
                    Line(workspace, image, y, workspace.Gradient(Output, image), shard.Mean, shard.Scale);
                workspace.Kernels.AddNormalizationProducts(
                    line with { Sums = shard.Image1, Products = shard.Image2 });
            }

            workspace.Kernels.Add(shard.Image1, shard.Total1, floats);
            workspace.Kernels.Add(shard.Image2, shard.Total2, floats);
        }
    }

    private NormalizationLine Line(
        Workspace workspace, int image, int y, float* output, float* mean, float* scale) => new()
        {
            Input = workspace.Activation(Input, image) + ((nint)y * Input.LineFloats),
            InputPixel = Input.PixelFloats,
            Output = output + ((nint)y * Output.LineFloats),
            OutputPixel = Output.PixelFloats,
            Pixels = Input.Shape.W,
            Channels = Output.Floats,
            Mean = mean,
            Scale = scale,
        };

    /// <summary>A shard's vectors in the workspace, one float for each of the output's.</summary>
    private readonly struct Statistics(float* start, int floats)
    {
        public float* Mean => start;

        /// <summary>Unbiased, as running averages want it.</summary>
        public float* Variance => start + floats;

        /// <summary>1 over the biased deviation.</summary>
        public float* Inverse => start + (2 * floats);

        public float* Scale => start + (3 * floats);

        public float* Shift => start + (4 * floats);

        public float* Slope => start + (5 * floats);

        /// <summary>Over the shard; the two totals are neighbours, as are the two of an image.</summary>
        public float* Total1 => start + (6 * floats);

        public float* Total2 => start + (7 * floats);

        public float* Image1 => start + (8 * floats);

        public float* Image2 => start + (9 * floats);
    }
}
