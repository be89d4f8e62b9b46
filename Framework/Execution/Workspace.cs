using Distributed.Framework.Kernels;
using Distributed.Framework.Metrics;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>What one thread needs to run a plan: activations, their gradients, and the shard's gradient sums.</summary>
/// <remarks>Allocated once; nothing is allocated while a plan runs. Images go in and out as [C, H, W].</remarks>
public sealed unsafe class Workspace
{
    private readonly Plan _plan;
    private readonly AlignedBuffer[] _activations;
    private readonly AlignedBuffer[] _gradients;
    private readonly AlignedBuffer _sums;
    private readonly AlignedBuffer _scratch;
    private readonly AlignedBuffer _temporary;
    private readonly int _imagesMax;
    private readonly bool _training;
    private readonly float[] _levels;
    private double[] _estimates = [];
    private AlignedBuffer? _shardGradient;

    internal Workspace(Plan plan, bool training, int imagesMax, KernelSet kernels)
    {
        _plan = plan;
        _imagesMax = imagesMax;
        _training = training;
        _levels = new float[imagesMax];
        Kernels = kernels;
        AlignedBuffer none = new(0);
        AlignedBuffer shared = new((training ? plan.GradientImageFloats : plan.ActivationImageFloats) * imagesMax);
        _activations = [.. plan.Roots.Select(root => !training && root.ActivationStart is not null ? shared
            : Allocate(root))];
        _gradients = training
            ? [.. plan.Roots.Select(root => root.GradientStart is not null ? shared
                : root.NeedsGradient ? Allocate(root) : none)]
            : [];
        _sums = new AlignedBuffer(training ? plan.GradientFloats : 0);
        int temporary = plan.Operations.Select(each => each.TemporaryFloats(training)).DefaultIfEmpty().Max();
        _temporary = new AlignedBuffer(temporary);

        _scratch = new AlignedBuffer(plan.ScratchFloats);

        AlignedBuffer Allocate(ActivationNode root) =>
            new(root.IsForTraining && !training ? 0 : root.ImageFloats * imagesMax);
    }

    /// <summary>Images in the current pass: 1 to the plan's ImagesPerPass.</summary>
    public int Images { get; private set; } = 1;

    /// <summary>Whether layers that know two ways, as dropout, go that of training.</summary>
    public bool IsTraining => _training;

    internal KernelSet Kernels { get; }

    /// <summary>Memory for the operation that runs; its content is arbitrary.</summary>
    internal float* Temporary => _temporary.Pointer;

    internal SampleKeys Keys { get; private set; }

    /// <summary>The gradient of the shard that has begun and not ended.</summary>
    internal AlignedBuffer ShardGradient =>
        _shardGradient ?? throw new InvalidOperationException("No shard has begun.");

    /// <summary>Passes that went backward, or have begun to, since the shard began.</summary>
    internal int PassesOfShard { get; set; }

    /// <summary>Starts a shard: its gradient is zero.</summary>
    /// <param name="gradient">
    /// As long as the model's state, in its order, overwritten. When the shard has ended, it holds gradients, then, for
    /// each buffer, the shard's statistic times its samples; before, anything.
    /// </param>
    /// <exception cref="InvalidOperationException">The workspace is not for training.</exception>
    /// <exception cref="ArgumentException">The gradient is shorter.</exception>
    public void BeginShard(AlignedBuffer gradient)
    {
        CheckTraining();
        if (gradient.Length < _plan.Model.StateCount)
        {
            throw new ArgumentException(
                $"{gradient.Length} floats given, {_plan.Model.StateCount} needed.", nameof(gradient));
        }

        _shardGradient = gradient;
        if (_plan.AddsToGradient)
        {
            gradient.Span.Clear();
        }

        _sums.Span.Clear();
        PassesOfShard = 0;
    }

    /// <summary>The shard is over: its gradient belongs to the caller again.</summary>
    internal void EndShard() => _shardGradient = null;

    /// <summary>Says how many images the next pass has, and which samples they are.</summary>
    /// <param name="images">1 to the plan's ImagesPerPass, or what the workspace was made for.</param>
    /// <param name="keys">Decides the random numbers of the pass; not read outside training.</param>
    /// <exception cref="ArgumentOutOfRangeException">The workspace has no room for so many images.</exception>
    public void BeginPass(int images, in SampleKeys keys = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(images, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(images, _imagesMax);
        Images = images;
        Keys = keys;
    }

    /// <summary>Sets one image of the input.</summary>
    /// <param name="image">0 to Images - 1.</param>
    /// <param name="values">[C, H, W].</param>
    /// <param name="sigma">
    /// Standard deviation of its noise, for models that take it; null for what can be seen of it.
    /// </param>
    public void SetInput(int image, ReadOnlySpan<float> values, float? sigma = null)
    {
        CheckImage(image);
        Import(values, Activation(_plan.InputNode, image), _plan.InputNode);
        if (_plan.Model.TakesNoiseLevel)
        {
            _levels[image] = sigma ?? NoiseEstimate.Level(values, _plan.Input, ref _estimates);
        }

        GC.KeepAlive(this);
    }

    /// <summary>Reads one image of the output.</summary>
    /// <param name="image">0 to Images - 1.</param>
    /// <param name="values">[C, H, W], overwritten.</param>
    public void GetOutput(int image, Span<float> values)
    {
        CheckImage(image);
        Export(Activation(_plan.OutputNode, image), _plan.OutputNode, values);
        GC.KeepAlive(this);
    }

    /// <summary>Sets the loss's gradient with respect to one image of the output.</summary>
    /// <param name="image">0 to Images - 1.</param>
    /// <param name="values">[C, H, W].</param>
    /// <exception cref="InvalidOperationException">The workspace is not for training.</exception>
    public void SetOutputGradient(int image, ReadOnlySpan<float> values)
    {
        CheckGradient(image, _plan.OutputNode);
        Import(values, Gradient(_plan.OutputNode, image), _plan.OutputNode);
        GC.KeepAlive(this);
    }

    /// <summary>Reads the gradient with respect to one image of the input; the plan must be compiled for it.</summary>
    /// <param name="image">0 to Images - 1.</param>
    /// <param name="values">[C, H, W], overwritten.</param>
    /// <exception cref="InvalidOperationException">The plan or the workspace has no such gradient.</exception>
    public void GetInputGradient(int image, Span<float> values)
    {
        CheckGradient(image, _plan.InputNode);
        Export(Gradient(_plan.InputNode, image), _plan.InputNode, values);
        GC.KeepAlive(this);
    }

    /// <summary>Throws unless it was made by this plan, whose operations trust its buffers' sizes.</summary>
    internal void CheckPlan(Plan plan)
    {
        if (!ReferenceEquals(plan, _plan))
        {
            throw new ArgumentException("The workspace belongs to another plan.");
        }
    }

    internal void CheckTraining()
    {
        if (!_training)
        {
            throw new InvalidOperationException("The workspace is not for training.");
        }
    }

    internal float* Activation(ActivationNode node, int image) =>
        _activations[node.Root.Slot].Pointer + (_training ? 0 : (nint)(node.Root.ActivationStart ?? 0) * _imagesMax)
        + (image * (nint)node.ImageFloats) + node.Start;

    internal float* Gradient(ActivationNode node, int image) =>
        _gradients[node.Root.Slot].Pointer + ((nint)(node.Root.GradientStart ?? 0) * _imagesMax)
        + (image * (nint)node.ImageFloats) + node.Start;

    /// <summary>Standard deviation of an image's noise; 0 for models that do not take it.</summary>
    internal float NoiseLevel(int image) => _levels[image];

    internal Span<float> GradientSums(Operation operation) =>
        _sums.Span.Slice(operation.GradientStart, operation.GradientFloats);

    internal float* Scratch(Operation operation) => _scratch.Pointer + operation.ScratchStart;

    internal float* GradientSumsPointer(Operation operation) => _sums.Pointer + operation.GradientStart;

    /// <summary>Writes zeros over the node's part of the gradient of every image.</summary>
    internal void ClearGradient(ActivationNode node)
    {
        for (int image = 0; image < Images; image++)
        {
            float* start = Gradient(node, image);
            for (int y = 0; y < node.Shape.H; y++)
            {
                for (int x = 0; x < node.Shape.W; x++)
                {
                    float* pixel = start + ((nint)y * node.LineFloats) + ((nint)x * node.PixelFloats);
                    new Span<float>(pixel, node.Floats).Clear();
                }
            }
        }
    }

    /// <summary>Writes zeros around the root of every image.</summary>
    internal void ClearBorder(ActivationNode root)
    {
        for (int image = 0; image < Images; image++)
        {
            ClearBorder(root, Activation(root, image) - root.Start);
        }
    }

    /// <summary>Writes zeros around the root's gradient of every image.</summary>
    internal void ClearGradientBorder(ActivationNode root)
    {
        for (int image = 0; image < Images; image++)
        {
            ClearBorder(root, Gradient(root, image) - root.Start);
        }
    }

    private static void ClearBorder(ActivationNode root, float* start)
    {
        int line = root.LineFloats;
        int above = root.Border * line;
        int beside = root.Border * root.PixelFloats;
        new Span<float>(start, above).Clear();
        start += above;
        for (int y = 0; y < root.Shape.H && beside > 0; y++, start += line)
        {
            new Span<float>(start, beside).Clear();
            new Span<float>(start + line - beside, beside).Clear();
        }

        new Span<float>(start, above).Clear();
    }

    /// <remarks>A line of all channels at a time: their floats share cache lines.</remarks>
    private static void Import(ReadOnlySpan<float> values, float* target, ActivationNode node)
    {
        CheckLength(values.Length, node);
        (_, int height, int width) = node.Shape;
        (int lineFloats, int pixelFloats) = (node.LineFloats, node.PixelFloats);
        for (int y = 0; y < height; y++, target += lineFloats)
        {
            int line = y * width;
            foreach (Run channels in node.Channels)
            {
                for (int c = channels.Offset; c < channels.Offset + channels.Count; c++, line += height * width)
                {
                    float* pixel = target + c;
                    foreach (float value in values.Slice(line, width))
                    {
                        *pixel = value;
                        pixel += pixelFloats;
                    }
                }
            }
        }
    }

    private static void Export(float* source, ActivationNode node, Span<float> values)
    {
        CheckLength(values.Length, node);
        (_, int height, int width) = node.Shape;
        (int lineFloats, int pixelFloats) = (node.LineFloats, node.PixelFloats);
        for (int y = 0; y < height; y++, source += lineFloats)
        {
            int line = y * width;
            foreach (Run channels in node.Channels)
            {
                for (int c = channels.Offset; c < channels.Offset + channels.Count; c++, line += height * width)
                {
                    float* pixel = source + c;
                    foreach (ref float value in values.Slice(line, width))
                    {
                        value = *pixel;
                        pixel += pixelFloats;
                    }
                }
            }
        }
    }

    // Behind these lie pointers: an image that does not exist would be other memory.
    private void CheckImage(int image) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)image, (uint)Images, nameof(image));

    private void CheckGradient(int image, ActivationNode node)
    {
        CheckImage(image);
        CheckTraining();
        if (!node.NeedsGradient)
        {
            throw new InvalidOperationException("The plan is compiled without the gradient of its input.");
        }
    }

    private static void CheckLength(int length, ActivationNode node)
    {
        if (length != node.Shape.Elements)
        {
            throw new ArgumentException($"{length} values given for an image of {node.Shape}.");
        }
    }
}
