using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Bits;

/// <summary>The numerics, pinned: the same bits on every machine, at every vector width, and without vectors.</summary>
/// <remarks>
/// Run these also with DOTNET_EnableAVX512=0, DOTNET_EnableAVX2=0 and DOTNET_EnableHWIntrinsic=0. A hash may change
/// only with a decision to change the numerics, which ends the comparability of runs: say so in the commit.
/// </remarks>
[Trait("Category", "Bits")]
public sealed class StoredHashTests
{
    private const string AdamHash = "8b12fbeb84d4e24194100677d8b94d10afa0e260a45d82040bcfc4951ded4d1c";
    private const string EachImageHash = "48f240ab6fc63a9caa0ed391d6e14219f55732136aee1000da82ce2201075abe";
    private const string Fingerprint = "cd807208faad8c7d";
    private const string OtherLayersHash = "fc6592e4554f276e6ee308c73d06f8645a528aee0e8235c025d801968a127322";
    private const string SgdHash = "446a35371b7629e48aa2a9d62c103e37529d65ba1536bb32f52af842b542af8d";
    private const string SmallImagesHash = "43c1a08e6180b82fee070b0e3bc59693435683baa4c7c6c34a93e140f932506d";
    private const string WinogradHash = "0c064b187d2cbe5537c066a637e29e92a2ea6e49dc2c2d045c9d764bbd0295eb";

    /// <summary>All layers and both kinds of channels: fewer than a group, and more.</summary>
    private static Sequential Network => new(
        new Conv2d(3, 18, 3, padding: 1),
        new ReLU(),
        new SkipConcat(new Sequential(
            new Conv2d(18, 5, 2, padding: Conv2d.Same), new Sigmoid(), new ConvTranspose2d(5, 4, 3, padding: 1))),
        new Conv2d(22, 7, 3, stride: 2, padding: 1),
        new ReLU(),
        new ConvTranspose2d(7, 3, 3, stride: 2, padding: 1, outputPadding: 1),
        new Sigmoid());

    [Theory]
    [InlineData(null, 1)]
    [InlineData(128, 1)]
    [InlineData(256, 1)]
    [InlineData(512, 1)]
    [InlineData(null, 3)]
    public void Adam_FewSteps_GivesTheStoredBits(int? bits, int imagesPerPass) =>
        Assert.Equal(AdamHash, Hash(bits, imagesPerPass, count => new Adam(count, weightDecay: 1e-3)));

    /// <summary>Kernels, optimizer, and the float64 functions of losses and noise.</summary>
    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void Fingerprint_AtEachWidth_IsTheStoredOne(int bits) =>
        Assert.Equal(Fingerprint, NumericsFingerprint.Compute(bits));

    [Theory]
    [InlineData(null, 1)]
    [InlineData(128, 1)]
    [InlineData(256, 1)]
    [InlineData(512, 1)]
    [InlineData(null, 3)]
    public void Sgd_FewSteps_GivesTheStoredBits(int? bits, int imagesPerPass) =>
        Assert.Equal(SgdHash, Hash(bits, imagesPerPass, count => new Sgd(count, 0.9, nesterov: true, 1e-3)));

    [Theory]
    [InlineData(null)]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public void OtherLayers_FewSteps_GiveTheStoredBits(int? bits)
    {
        Sequential network = new(
            new Conv2d(3, 6, 3, padding: 1),
            new BatchNorm2d(6),
            new ELU(),
            new Residual(new Sequential(new Conv2d(6, 6, 1), new Tanh(), new Dropout(0.2))),
            new SkipConcat(new Sequential(new MaxPool2d(2), new LeakyReLU(0.1), new NearestUpsample2d(2), new SELU())),
            new Flatten(),
            new Linear(12 * 24, 18),
            new Tanh(),
            new Linear(18, 3));
        float[] result = Training.Run(
            network, new ImageShape(3, 4, 6), bits, imagesPerPass: 8, n: 8, steps: 3, count => new Sgd(count, 0.9));
        string hash = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(result)));
        Assert.Equal(OtherLayersHash, hash);
    }

    /// <summary>Winograd's layers, in images of two bands; gradients complete after a shard, or an image.</summary>
    [Theory]
    [InlineData(null, 1)]
    [InlineData(128, 1)]
    [InlineData(256, 1)]
    [InlineData(512, 1)]
    [InlineData(null, 3)]
    public void Winograd_FewSteps_GivesTheStoredBits(int? bits, int imagesPerPass)
    {
        Sequential network = new(
            new Conv2d(3, 18, 3, padding: 1),
            new LeakyReLU(0.1),
            new SkipConcat(new Sequential(new Conv2d(18, 20, 3, padding: 1), new ELU())),
            new ConvTranspose2d(38, 16, 3, padding: 1),
            new SELU(),
            new Conv2d(16, 3, 3, padding: 1));
        Assert.Equal(WinogradHash, Hash(Plan.TreeReductionMax));
        Assert.Equal(EachImageHash, Hash(treeReductionMax: -1));

        string Hash(long treeReductionMax)
        {
            float[] result = Training.Run(
                network,
                new ImageShape(3, 13, 70),
                bits,
                imagesPerPass,
                n: 3,
                steps: 3,
                count => new Sgd(count, 0.9),
                treeReductionMax);
            return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(result)));
        }
    }

    /// <summary>Images that fill no band of Winograd tiles: they share it, however many go together.</summary>
    [Theory]
    [InlineData(null, 1)]
    [InlineData(128, 1)]
    [InlineData(256, 2)]
    [InlineData(512, 3)]
    [InlineData(null, 7)]
    public void SmallImages_FewSteps_GiveTheStoredBits(int? bits, int imagesPerPass)
    {
        Sequential network = new(
            new Conv2d(3, 20, 2, stride: 2),
            new Residual(new Sequential(
                new Conv2d(20, 17, 3, padding: 1), new ReLU(), new ConvTranspose2d(17, 20, 3, padding: 1))),
            new ConvTranspose2d(20, 3, 2, stride: 2));
        float[] result = Training.Run(
            network, new ImageShape(3, 18, 26), bits, imagesPerPass, n: 7, steps: 3, count => new Sgd(count, 0.9));
        string hash = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(result)));
        Assert.Equal(SmallImagesHash, hash);
    }

    private static string Hash(int? bits, int imagesPerPass, Func<int, Optimizer> create)
    {
        float[] result = Training.Run(Network, new ImageShape(3, 6, 8), bits, imagesPerPass, n: 4, steps: 3, create);
        return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(result)));
    }
}
