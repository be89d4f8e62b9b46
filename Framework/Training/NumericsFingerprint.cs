using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Kernels;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>
/// What this machine's arithmetic comes to: machines that agree on it get the same bits from training.
/// </summary>
public static class NumericsFingerprint
{
    private const int HashDigits = 16;

    /// <summary>Bits of the vectors that kernels use here.</summary>
    public static int VectorBits => VectorWidth.Bits;

    /// <summary>
    /// Whether the processor multiplies and adds in one; else that is done in software, some 100 times slower.
    /// </summary>
    public static bool IsFused => Fma.IsSupported || AdvSimd.IsSupported;

    /// <summary>
    /// Hash of outputs and gradients of two small networks on shards of two made-up images (of the kinds that the
    /// reports and the default model have, and blocks of pixels as channels), of an optimizer's steps, one of them with
    /// a shortened gradient, of an average of weights, and of the functions that losses and noise are made of.
    /// </summary>
    /// <returns>16 hexadecimal digits.</returns>
    public static string Compute() => Compute(KernelSet.Current);

    /// <summary>The same with vectors of 128, 256 or 512 bits: equal on a machine that computes as it should.</summary>
    public static string Compute(int vectorBits) => Compute(KernelSet.ForBits(vectorBits));

    internal static string Compute(KernelSet kernels)
    {
        Sequential residual = new(
            [
                new PixelUnshuffle(2),
                .. Catalogue.Find("n2n-residual:channels=18", 12)!.Layers,
                new PixelShuffle(2),
            ]);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Catalogue.Find("n2n-final:channels=18", 3)!, new ImageShape(3, 7, 9), kernels, clipNorm: 0);
        Append(hash, residual, new ImageShape(3, 16, 32), kernels, clipNorm: 0.01);
        double[] functions = [.. Enumerable.Range(1, 100).SelectMany(Functions)];
        hash.AppendData(MemoryMarshal.AsBytes<double>(functions));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..HashDigits];
    }

    /// <summary>Two images forward and backward, a step of Adam, and the average of the weights after it.</summary>
    private static void Append(
        IncrementalHash hash, Sequential layers, ImageShape input, KernelSet kernels, double clipNorm)
    {
        Model model = new(layers);
        Plan plan = model.Compile(input, inputGradient: true, imagesPerPass: 1, kernels);
        Replica replica = plan.CreateReplica();
        Workspace workspace = plan.CreateWorkspace(training: true);
        AlignedBuffer parameters = new(model.ParameterCount);
        AlignedBuffer gradient = new(model.ParameterCount);
        DefaultInitializer.Fill(model, seed: 1, parameters.Span);
        float[] image = new float[plan.Input.Elements];
        float[] output = new float[plan.Output.Elements];
        replica.Load(parameters.Span);
        workspace.BeginShard(gradient);
        foreach (int step in new[] { 37, 59 })
        {
            for (int i = 0; i < image.Length; i++)
            {
                image[i] = (i * step % 101) / 101f;
            }

            workspace.BeginPass(1);
            workspace.SetInput(0, image);
            plan.Forward(replica, workspace);
            workspace.GetOutput(0, output);
            workspace.SetOutputGradient(0, output);
            plan.Backward(replica, workspace);
            hash.AppendData(MemoryMarshal.AsBytes<float>(output));
        }

        plan.EndShard(workspace);
        WeightsAverage average = new(0.9, parameters.Span, model.ParameterCount, kernels);
        Optimizers.Adam adam = new(model.ParameterCount) { ClipNorm = clipNorm };
        adam.Step(parameters, gradient, 7, 0.01, parameters);
        average.Add(parameters);
        hash.AppendData(MemoryMarshal.AsBytes<float>(gradient.Span));
        hash.AppendData(MemoryMarshal.AsBytes<float>(parameters.Span));
        hash.AppendData(MemoryMarshal.AsBytes<float>(average.State.Values.Span));
    }

    private static double[] Functions(int i) =>
        [Elementary.Exp((0.37 * i) - 20), Elementary.Log(0.013 * i), Elementary.CosPi(0.01 * i)];
}
