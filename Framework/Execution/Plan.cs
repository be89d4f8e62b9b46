using Distributed.Framework.Kernels;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>A model compiled for one input shape: which kernels run, in which order, on which memory.</summary>
/// <remarks>
/// Immutable and shared by all threads. Each thread owns a <see cref="Workspace"/>; a <see cref="Replica"/> holds the
/// parameters of one step. Activations, masks and concatenations fuse into their neighbours here.
/// </remarks>
public sealed class Plan
{
    /// <summary>
    /// Most floats that Winograd's gradients of a shard are added up in: where there would be more, each image's are
    /// brought to the flat gradient at once. They depend on the model alone, as they must: it changes bits.
    /// </summary>
    internal const int TreeReductionMax = 1 << 21;

    private readonly int _packedFloats;

    internal Plan(
        Model model,
        ImageShape input,
        bool inputGradient,
        int imagesPerPass,
        KernelSet kernels,
        long treeReductionMax = TreeReductionMax,
        bool wholeShards = false)
    {
        Model = model;
        ImagesPerPass = imagesPerPass;
        Kernels = kernels;
        PlanBuilder builder = new(model) { ImagesPerPass = imagesPerPass };
        InputNode = builder.CreateNode(input, null);
        InputNode.NeedsGradient = inputGradient;
        InputNode.IsRead = true;
        OutputNode = model.Root.Build(builder, InputNode, "");
        Roots = builder.Finish(OutputNode);
        if (Roots.Any(root => root.ImageFloats * imagesPerPass > AlignedBuffer.LengthMax))
        {
            throw new OverflowException();
        }

        ActivationImageFloats =
            SharedMemory.PlaceActivations(builder.Operations, InputNode, OutputNode, imagesPerPass);
        GradientImageFloats = SharedMemory.PlaceGradients(builder.Operations, InputNode, OutputNode, imagesPerPass);
        Operations = [.. builder.Operations];
        ConvolutionOperation[] transforming =
            [.. Operations.OfType<ConvolutionOperation>().Where(operation => operation.HasLargeSums)];
        bool isLarge = transforming.Sum(operation => (long)operation.GradientFloats) > treeReductionMax;
        SumsSpan sums = isLarge ? SumsSpan.Image : wholeShards ? SumsSpan.Pass : SumsSpan.Shard;
        Array.ForEach(transforming, operation => operation.Sums = sums);
        AddsToGradient = sums == SumsSpan.Image && transforming.Length > 0;

        foreach (Operation operation in Operations)
        {
            operation.PackedStart = _packedFloats;
            operation.GradientStart = GradientFloats;
            _packedFloats = checked(_packedFloats + Round(operation.PackedFloats));
            GradientFloats = checked(GradientFloats + Round(operation.GradientFloats));
            operation.ScratchStart = ScratchFloats;
            ScratchFloats = checked(ScratchFloats + Round(operation.ScratchFloats));
        }

        bool hasFarWeights = _packedFloats >= CacheLine.FarFloats;
        Array.ForEach(transforming, operation => operation.HasFarWeights = hasFarWeights);
        if (Math.Max(_packedFloats, Math.Max(GradientFloats, ScratchFloats)) > AlignedBuffer.LengthMax)
        {
            throw new OverflowException();
        }

        // Operations start at multiples of 16 floats, so that vectors never straddle cache lines.
        static int Round(int floats) => checked(floats + 15) / 16 * 16;
    }

    /// <summary>What was compiled.</summary>
    public Model Model { get; }

    /// <summary>Shape of each input image.</summary>
    public ImageShape Input => InputNode.Shape;

    /// <summary>Shape of each output image.</summary>
    public ImageShape Output => OutputNode.Shape;

    /// <summary>Most images that go through together; a workspace has room for as many.</summary>
    public int ImagesPerPass { get; }

    internal ActivationNode InputNode { get; }

    internal ActivationNode OutputNode { get; }

    internal ActivationNode[] Roots { get; }

    internal Operation[] Operations { get; }

    /// <summary>Floats of the memory that activations share in inference, for each image of a pass.</summary>
    internal long ActivationImageFloats { get; }

    /// <summary>Floats of the memory that gradients of activations share, for each image of a pass.</summary>
    internal long GradientImageFloats { get; }

    /// <summary>Floats of all memory of a workspace for one image in inference, and of its input and output.</summary>
    internal long InferenceFloats => ActivationImageFloats + ScratchFloats + Input.Elements + (2L * Output.Elements)
        + Operations.Select(each => each.TemporaryFloats(training: false)).DefaultIfEmpty().Max()
        + Roots.Where(root => root.ActivationStart is null && !root.IsForTraining).Sum(root => (long)root.ImageFloats);

    /// <summary>
    /// Floats of packed weights that images of a pass share, since one alone fills no band of tiles; 0 for models whose
    /// sums go to the gradient after each image, which stay as small as they are.
    /// </summary>
    internal long SharedPackedFloats => Operations.OfType<ConvolutionOperation>()
        .Where(each => each.HasSmallImages && each.Sums != SumsSpan.Image).Sum(each => (long)each.PackedFloats);

    internal int GradientFloats { get; }

    /// <summary>Whether operations add to the flat gradient before a shard ends, image by image.</summary>
    internal bool AddsToGradient { get; }

    internal KernelSet Kernels { get; }

    internal int ScratchFloats { get; }

    /// <summary>Room for the parameters of one step.</summary>
    public Replica CreateReplica() => new(this, _packedFloats);

    /// <summary>Room for one thread; without gradients if it is not for training.</summary>
    /// <param name="training">
    /// Whether it goes backward too, and layers that know two ways (BatchNorm2d, Dropout) go that of training.
    /// </param>
    /// <param name="imagesMax">Most images at once: 1 to ImagesPerPass, which is also the default.</param>
    public Workspace CreateWorkspace(bool training, int? imagesMax = null)
    {
        int images = imagesMax ?? ImagesPerPass;
        ArgumentOutOfRangeException.ThrowIfLessThan(images, 1, nameof(imagesMax));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(images, ImagesPerPass, nameof(imagesMax));
        return new Workspace(this, training, images, Kernels);
    }

    /// <summary>
    /// Whether another plan's replicas are as this one's: the model's at another size, since what kernels read depends
    /// on kernel, stride and channels alone.
    /// </summary>
    internal bool PacksAs(Plan other) => ReferenceEquals(this, other)
        || (ReferenceEquals(Model, other.Model) && ReferenceEquals(Kernels, other.Kernels)
            && _packedFloats == other._packedFloats && Operations.Length == other.Operations.Length);

    /// <summary>Computes the output of the images in the workspace.</summary>
    public void Forward(Replica replica, Workspace workspace)
    {
        Check(replica, workspace);
        foreach (Operation operation in Operations)
        {
            if (!workspace.IsTraining)
            {
                foreach (ActivationNode root in operation.BordersFirst)
                {
                    workspace.ClearBorder(root);
                }
            }

            operation.Forward(workspace, replica);
        }

        KeepAlive(replica, workspace);
    }

    /// <summary>Adds the gradient of the images that went forward last, in their order.</summary>
    /// <exception cref="InvalidOperationException">
    /// The workspace is not for training, or no shard has begun; or a second pass of one shard, through a model that
    /// normalizes over the shard.
    /// </exception>
    public void Backward(Replica replica, Workspace workspace)
    {
        Check(replica, workspace);
        workspace.CheckTraining();
        _ = workspace.ShardGradient;
        if (workspace.PassesOfShard++ > 0 && Model.NeedsWholeShard)
        {
            throw new InvalidOperationException("The model normalizes over the shard, which must be one pass.");
        }

        for (int i = Operations.Length - 1; i >= 0; i--)
        {
            foreach (ActivationNode root in Operations[i].GradientBordersFirst)
            {
                workspace.ClearGradientBorder(root);
            }

            foreach (ActivationNode part in Operations[i].ClearedFirst)
            {
                workspace.ClearGradient(part);
            }

            Operations[i].Backward(workspace, replica);
        }

        KeepAlive(replica, workspace);
    }

    /// <summary>Ends a shard: its gradient is complete.</summary>
    /// <exception cref="InvalidOperationException">The workspace is not for training, or no shard began.</exception>
    public void EndShard(Workspace workspace)
    {
        workspace.CheckPlan(this);
        workspace.CheckTraining();
        if (workspace.PassesOfShard == 0)
        {
            workspace.ShardGradient.Span.Clear();
        }

        foreach (Operation operation in Operations)
        {
            operation.Unpack(workspace, workspace.ShardGradient.Span);
        }

        workspace.EndShard();
    }

    private void Check(Replica replica, Workspace workspace)
    {
        workspace.CheckPlan(this);
        replica.CheckPlan(this);
    }

    /// <summary>Kernels hold bare pointers: what owns the memory must not look unused while they run.</summary>
    private void KeepAlive(Replica replica, Workspace workspace)
    {
        GC.KeepAlive(this);
        GC.KeepAlive(replica);
        GC.KeepAlive(workspace);
    }
}
