using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Execution;

/// <summary>Gradients that are never needed at once share memory; those that are do not.</summary>
public sealed class SharedMemoryTests
{
    public static TheoryData<string> Models => [.. Catalogue.Names.Where(name => name != "mlp-disc")];

    [Theory]
    [MemberData(nameof(Models))]
    public void Place_WhatIsNeededAtOnce_LiesApart(string name)
    {
        Plan plan = new Model(Catalogue.Find(name, 3)!).Compile(new ImageShape(3, 32, 32), inputGradient: true);
        ActivationNode[] shared = [.. plan.Roots.Where(root => root.GradientStart is not null)];
        Assert.DoesNotContain(plan.InputNode.Root, shared);
        Assert.DoesNotContain(plan.OutputNode.Root, shared);
        HashSet<ActivationNode> alive = [];
        for (int i = plan.Operations.Length - 1; i >= 0; i--)
        {
            Operation operation = plan.Operations[i];
            alive.UnionWith(shared.Where(root => root == operation.Input.Root || root == operation.Output.Root));
            ActivationNode[] now = [.. alive.OrderBy(root => root.GradientStart)];
            for (int j = 0; j < now.Length; j++)
            {
                long end = now[j].GradientStart!.Value + now[j].ImageFloats;
                Assert.InRange(end, 0, j + 1 < now.Length ? now[j + 1].GradientStart!.Value : plan.GradientImageFloats);
            }

            alive.RemoveWhere(root => !plan.Operations[..i].Any(
                other => other.Input.Root == root || other.Output.Root == root));
        }
    }

    [Fact]
    public void Place_LongChain_TakesTheMemoryOfTwoGradients()
    {
        Layer[] layers = [.. Enumerable.Range(0, 10).Select(_ => new Conv2d(16, 16, 3, padding: 1))];
        Plan plan = new Model(new Sequential(layers)).Compile(new ImageShape(16, 8, 8));
        Assert.Equal(2 * plan.Roots.Max(root => root.ImageFloats), plan.GradientImageFloats);
    }

    /// <summary>What one buffer would not hold gets one of its own, instead of being refused.</summary>
    [Fact]
    public void Place_BeyondOneBuffer_SharesAsFarAsItFits()
    {
        Model model = new(Catalogue.Find("n2n-final", 3)!);
        long floats = model.Compile(new ImageShape(3, 32, 32)).GradientImageFloats;
        int images = (int)(AlignedBuffer.LengthMax / floats) + 1;
        Plan plan = model.Compile(new ImageShape(3, 32, 32), imagesPerPass: images);
        Assert.InRange(plan.GradientImageFloats, 1, floats - 1);
        Assert.InRange(plan.GradientImageFloats * images, 1, AlignedBuffer.LengthMax);
    }

    [Fact]
    public void Place_UNet_TakesLessThanHalf()
    {
        Plan plan = new Model(Catalogue.Find("n2n-unet", 3)!).Compile(new ImageShape(3, 64, 64));
        long all = plan.Roots.Where(root => root.GradientStart is not null).Sum(root => root.ImageFloats);
        Assert.InRange(plan.GradientImageFloats, 1, (all / 2) - 1);
    }
}
