using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Execution;

/// <summary>Workspaces: one for many images, no allocation, no access beyond the buffers.</summary>
public sealed class WorkspaceTests
{
    private static readonly ImageShape s_images = new(3, 6, 7);

    /// <summary>A network with every way of accumulating gradients, and its parts cleared beforehand.</summary>
    private static Model Nested { get; } = new(new Sequential(
        new Conv2d(3, 5, 3, padding: 1),
        new ReLU(),
        new SkipConcat(new Sequential(
            new SkipConcat(new Sequential(new Sigmoid(), new ConvTranspose2d(5, 17, 3, padding: 1))),
            new Conv2d(22, 4, 2, padding: Conv2d.Same))),
        new Conv2d(9, 3, 4, stride: 2, padding: 1),
        new ConvTranspose2d(3, 3, 3, stride: 2, padding: 1, outputPadding: 1),
        new Sigmoid()));

    private static Model Others { get; } = new(new Sequential(
        new Residual(new Sequential(new Conv2d(3, 3, 3, padding: 1), new Tanh(), new Dropout(0.3))),
        new SkipConcat(new Sequential(
            new MaxPool2d(2, stride: 1, padding: 1), new NearestUpsample2d(1), new ELU(), new Conv2d(3, 2, 2))),
        new PixelShuffle(1),
        new LeakyReLU(),
        new SELU(),
        new PixelUnshuffle(1),
        new Flatten(),
        new Linear(5 * 6 * 7, 9),
        new Tanh(),
        new Linear(9, 4)));

    /// <summary>Winograd's algorithm, pooling and upsampling.</summary>
    private static Model Pooled { get; } = new(Catalogue.Find("n2n-unet:channels=16", 3)!);

    private static Model Normalized { get; } =
        new(new Sequential(new Conv2d(3, 5, 3, padding: 1), new BatchNorm2d(5), new ReLU(), new BatchNorm2d(5)));

    [Fact]
    public void Pass_WarmedUp_AllocatesNothing() => AssertNothingAllocated(Nested, 2, 1);

    [Fact]
    public void Pass_OfOtherLayers_AllocatesNothing() => AssertNothingAllocated(Others, 2, 1);

    [Fact]
    public void Pass_WithBatchNorm_AllocatesNothing() => AssertNothingAllocated(Normalized, 2);

    private static (Model Model, ImageShape Images) Find(string name) => name switch
    {
        nameof(Nested) => (Nested, s_images),
        nameof(Others) => (Others, s_images),
        nameof(Normalized) => (Normalized, s_images),
        _ => (Pooled, new ImageShape(3, 32, 32)),
    };

    private static void AssertNothingAllocated(Model model, params int[] passes)
    {
        Plan plan = model.Compile(s_images, inputGradient: true, imagesPerPass: 2);
        Replica replica = plan.CreateReplica();
        Workspace workspace = plan.CreateWorkspace(training: true);
        float[] parameters = new TestValues(1).Floats(model.StateCount);
        AlignedBuffer gradient = new(parameters.Length);
        float[] input = new TestValues(2).Floats(s_images.Elements);
        float[] output = new float[plan.Output.Elements];
        Shard();

        Assert.Equal(0, Allocation.Of(Shard));

        void Shard()
        {
            replica.Load(parameters);
            workspace.BeginShard(gradient);
            foreach (int images in passes)
            {
                workspace.BeginPass(images);
                for (int i = 0; i < images; i++)
                {
                    workspace.SetInput(i, input);
                }

                plan.Forward(replica, workspace);
                for (int i = 0; i < images; i++)
                {
                    workspace.GetOutput(i, output);
                    workspace.SetOutputGradient(i, output);
                }

                plan.Backward(replica, workspace);
                workspace.GetInputGradient(0, input);
            }

            plan.EndShard(workspace);
        }
    }

    /// <summary>What a workspace has seen before must not matter: borders stay zero, sums start from zero.</summary>
    [Theory]
    [InlineData(nameof(Nested))]
    [InlineData(nameof(Others))]
    [InlineData(nameof(Normalized))]
    [InlineData(nameof(Pooled))]
    public void Shard_UsedWorkspace_GivesTheBitsOfAFreshOne(string name)
    {
        (Model model, ImageShape images) = Find(name);
        int passes = model.NeedsWholeShard ? 1 : 2;
        Plan plan = model.Compile(images, inputGradient: true, imagesPerPass: 2);
        float[] parameters = new TestValues(1).Floats(model.StateCount);
        Workspace used = plan.CreateWorkspace(training: true);
        Replica replica = plan.CreateReplica();
        TestValues values = new(3);
        for (int shard = 0; shard < 10; shard++)
        {
            replica.Load(parameters);
            float[] input = values.Floats(images.Elements);
            if (shard % 3 == 1)
            {
                // Poison: the shard after it must not notice.
                input[shard] = shard % 2 == 0 ? float.NaN : float.PositiveInfinity;
            }

            float[] actual = Shard(plan, replica, used, input, passes: passes);
            Workspace fresh = plan.CreateWorkspace(training: true);
            Assert.Equal(Shard(plan, replica, fresh, input, passes: passes), actual);
            if (shard % 3 != 1)
            {
                Assert.All(actual, value => Assert.True(float.IsFinite(value)));
            }
        }
    }

    /// <summary>The same for inference, whose activations share memory.</summary>
    [Theory]
    [InlineData(nameof(Nested))]
    [InlineData(nameof(Others))]
    [InlineData(nameof(Normalized))]
    [InlineData(nameof(Pooled))]
    public void Forward_UsedWorkspace_GivesTheBitsOfAFreshOne(string name)
    {
        (Model model, ImageShape images) = Find(name);
        Plan plan = model.Compile(images);
        Replica replica = plan.CreateReplica();

        // No running variance below 0.
        replica.Load([.. new TestValues(1).Floats(model.StateCount).Select(Math.Abs)]);
        Workspace used = plan.CreateWorkspace(training: false);
        float[] poison = new float[images.Elements];
        Array.Fill(poison, float.NaN);
        Run(used, poison);
        float[] input = new TestValues(2).Floats(images.Elements);
        float[] actual = Run(used, input);
        Assert.Equal(Run(plan.CreateWorkspace(training: false), input), actual);
        Assert.All(actual, value => Assert.True(float.IsFinite(value)));

        float[] Run(Workspace workspace, float[] image)
        {
            workspace.SetInput(0, image);
            plan.Forward(replica, workspace);
            float[] output = new float[plan.Output.Elements];
            workspace.GetOutput(0, output);
            return output;
        }
    }

    [Fact]
    public void Forward_WithoutTraining_GivesTheSameOutput()
    {
        Plan plan = Nested.Compile(s_images);
        Replica replica = plan.CreateReplica();
        replica.Load(new TestValues(1).Floats(Nested.ParameterCount));
        float[] input = new TestValues(2).Floats(s_images.Elements);
        float[][] outputs = [new float[plan.Output.Elements], new float[plan.Output.Elements]];
        for (int i = 0; i < 2; i++)
        {
            Workspace workspace = plan.CreateWorkspace(training: i == 0);
            workspace.SetInput(0, input);
            plan.Forward(replica, workspace);
            workspace.GetOutput(0, outputs[i]);
        }

        Assert.Equal(outputs[0], outputs[1]);
        Assert.Contains(outputs[0], value => value != outputs[0][0]);
    }

    [Fact]
    public void Gradient_WithoutTheInputs_IsTheSame()
    {
        float[] input = new TestValues(2).Floats(s_images.Elements);
        float[][] gradients = new float[2][];
        for (int i = 0; i < 2; i++)
        {
            Plan plan = Nested.Compile(s_images, inputGradient: i == 0);
            Replica replica = plan.CreateReplica();
            replica.Load(new TestValues(1).Floats(Nested.ParameterCount));
            gradients[i] = Shard(plan, replica, plan.CreateWorkspace(training: true), input, inputGradient: false);
        }

        Assert.Equal(gradients[0], gradients[1]);
    }

    /// <summary>Behind these members are pointers: nothing that a caller passes may lead beyond the buffers.</summary>
    [Fact]
    public void Images_BeyondThePass_AreRefused()
    {
        Plan plan = Nested.Compile(s_images, inputGradient: true, imagesPerPass: 2);
        Workspace workspace = plan.CreateWorkspace(training: true);
        float[] image = new float[s_images.Elements];
        float[] output = new float[plan.Output.Elements];
        workspace.BeginPass(1);
        foreach (int index in new[] { -1, 1, 2, int.MaxValue })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => workspace.SetInput(index, image));
            Assert.Throws<ArgumentOutOfRangeException>(() => workspace.GetOutput(index, output));
            Assert.Throws<ArgumentOutOfRangeException>(() => workspace.SetOutputGradient(index, output));
            Assert.Throws<ArgumentOutOfRangeException>(() => workspace.GetInputGradient(index, image));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => workspace.BeginPass(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => workspace.BeginPass(3));
        Assert.Throws<ArgumentException>(() => workspace.SetInput(0, image.AsSpan(1)));
        Assert.Throws<ArgumentException>(() => workspace.GetOutput(0, new float[output.Length + 1]));
        Assert.Throws<ArgumentException>(() => plan.CreateReplica().Load(new float[Nested.ParameterCount - 1]));
    }

    [Fact]
    public void Gradients_NotCompiledFor_AreRefused()
    {
        Plan plan = Nested.Compile(s_images);
        Replica replica = plan.CreateReplica();
        Workspace training = plan.CreateWorkspace(training: true);
        Workspace inference = plan.CreateWorkspace(training: false);
        float[] image = new float[s_images.Elements];
        float[] output = new float[plan.Output.Elements];
        Assert.Throws<InvalidOperationException>(() => training.GetInputGradient(0, image));
        Assert.Throws<InvalidOperationException>(() => inference.BeginShard(new AlignedBuffer(Nested.StateCount)));
        Assert.Throws<InvalidOperationException>(() => inference.SetOutputGradient(0, output));
        Assert.Throws<InvalidOperationException>(() => plan.Backward(replica, inference));
        Assert.Throws<InvalidOperationException>(() => plan.EndShard(inference));
        Assert.Throws<InvalidOperationException>(() => plan.EndShard(training));
        Assert.Throws<InvalidOperationException>(() => plan.Backward(replica, training));
        training.BeginShard(new AlignedBuffer(Nested.StateCount));
        plan.EndShard(training);
        Assert.Throws<InvalidOperationException>(() => plan.EndShard(training));
        Assert.Throws<InvalidOperationException>(() => plan.Backward(replica, training));
        Assert.Throws<ArgumentException>(() => training.BeginShard(new AlignedBuffer(Nested.StateCount - 1)));

        // The input is a part of the output: its buffer has a gradient, of which nobody fills the input's part.
        Plan joined = new Model(new Sequential(new SkipConcat(new Sequential(new Conv2d(3, 1, 1))))).Compile(s_images);
        Assert.Throws<InvalidOperationException>(
            () => joined.CreateWorkspace(training: true).GetInputGradient(0, image));

        Plan identity = new Model(new Sequential()).Compile(s_images);
        Assert.Throws<InvalidOperationException>(
            () => identity.CreateWorkspace(training: true).SetOutputGradient(0, image));
    }

    [Fact]
    public void Run_WithAnotherPlansBuffers_IsRefused()
    {
        Plan plan = Nested.Compile(s_images);
        Plan other = Nested.Compile(s_images with { H = 60 });
        Workspace own = other.CreateWorkspace(training: true);
        Workspace foreign = plan.CreateWorkspace(training: true);
        Assert.Throws<ArgumentException>(() => other.Forward(other.CreateReplica(), foreign));
        Plan stranger = new Model(Nested.Root).Compile(s_images);
        Assert.Throws<ArgumentException>(() => other.Forward(stranger.CreateReplica(), own));
        Assert.Throws<ArgumentException>(() => other.Backward(stranger.CreateReplica(), own));
        Assert.Throws<ArgumentException>(() => other.EndShard(foreign));
    }

    [Fact]
    public void Kernels_UnknownWidth_AreRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => KernelSet.ForBits(64));

    /// <summary>Output, gradient and input gradient of a shard of three images, two and one a pass.</summary>
    private static float[] Shard(
        Plan plan, Replica replica, Workspace workspace, float[] input, bool inputGradient = true, int? passes = null)
    {
        List<float> all = [];
        float[] output = new float[plan.Output.Elements];
        AlignedBuffer gradient = new(plan.Model.StateCount);
        workspace.BeginShard(gradient);
        int last = plan.ImagesPerPass - (passes ?? plan.ImagesPerPass);
        for (int images = plan.ImagesPerPass; images > last; images--)
        {
            workspace.BeginPass(images);
            for (int i = 0; i < images; i++)
            {
                workspace.SetInput(i, [.. input.Select(value => value * (images + i))]);
            }

            plan.Forward(replica, workspace);
            for (int i = 0; i < images; i++)
            {
                workspace.GetOutput(i, output);
                all.AddRange(output);
                workspace.SetOutputGradient(i, output);
            }

            plan.Backward(replica, workspace);
            for (int i = 0; inputGradient && i < images; i++)
            {
                float[] image = new float[input.Length];
                workspace.GetInputGradient(i, image);
                all.AddRange(image);
            }
        }

        plan.EndShard(workspace);
        return [.. all, .. gradient.Span];
    }
}
