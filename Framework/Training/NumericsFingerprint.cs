using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Kernels;
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
    /// Hash of the output and the gradient of a small network on made-up images, of an optimizer's step, and of the
    /// functions that losses and noise are made of.
    /// </summary>
    /// <returns>16 hexadecimal digits.</returns>
    public static string Compute() => Compute(KernelSet.Current);

    /// <summary>The same with vectors of 128, 256 or 512 bits: equal on a machine that computes as it should.</summary>
    public static string Compute(int vectorBits) => Compute(KernelSet.ForBits(vectorBits));

    internal static string Compute(KernelSet kernels)
    {
        Model model = new(Catalogue.Find("n2n-final:channels=18", 3)!);
        Plan plan = model.Compile(new ImageShape(3, 7, 9), inputGradient: true, imagesPerPass: 1, kernels);
        Replica replica = plan.CreateReplica();
        Workspace workspace = plan.CreateWorkspace(training: true);
        AlignedBuffer parameters = new(model.ParameterCount);
        AlignedBuffer gradient = new(model.ParameterCount);
        DefaultInitializer.Fill(model, seed: 1, parameters.Span);
        float[] image = new float[plan.Input.Elements];
        for (int i = 0; i < image.Length; i++)
        {
            image[i] = (i * 37 % 101) / 101f;
        }

        replica.Load(parameters.Span);
        workspace.BeginShard(gradient);
        workspace.BeginPass(1);
        workspace.SetInput(0, image);
        plan.Forward(replica, workspace);
        float[] output = new float[plan.Output.Elements];
        workspace.GetOutput(0, output);
        workspace.SetOutputGradient(0, output);
        plan.Backward(replica, workspace);
        plan.EndShard(workspace);
        new Optimizers.Adam(model.ParameterCount).Step(parameters, gradient, 7, 0.01, parameters);

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<float>(output));
        hash.AppendData(MemoryMarshal.AsBytes<float>(gradient.Span));
        hash.AppendData(MemoryMarshal.AsBytes<float>(parameters.Span));
        double[] functions = [.. Enumerable.Range(1, 100).SelectMany(Functions)];
        hash.AppendData(MemoryMarshal.AsBytes<double>(functions));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..HashDigits];
    }

    private static double[] Functions(int i) =>
        [Elementary.Exp((0.37 * i) - 20), Elementary.Log(0.013 * i), Elementary.CosPi(0.01 * i)];
}
