using Distributed.Framework.Execution;

namespace Distributed.Framework.Tests.Golden;

/// <summary>Convolutions by each algorithm against PyTorch in float64, at every vector width.</summary>
/// <remarks>Tolerances as of the naive twins; on these cases F(4 x 4) errs by up to 1.5e-6.</remarks>
public sealed class GoldenAlgorithmTests
{
    public static TheoryData<string> LayerCases { get; } = GoldenCase.Names("conv2d", "conv_transpose2d");

    public static TheoryData<string> ModelCases { get; } = GoldenCase.Names("model_");

    public static TheoryData<string> TrajectoryCases { get; } = GoldenCase.Names("trajectory_");

    [Theory]
    [MemberData(nameof(LayerCases))]
    public void Layer_ReferenceCase_MatchesForwardAndBackward(string name) =>
        ForAll((bits, algorithm) => GoldenTests.AssertLayer(name, bits, algorithm, Tolerance(algorithm)));

    [Theory]
    [MemberData(nameof(ModelCases))]
    public void Model_ReferenceCase_MatchesForwardAndBackward(string name) =>
        ForAll((bits, algorithm) => GoldenTests.AssertModel(name, bits, algorithm, 2 * Tolerance(algorithm)));

    [Theory]
    [MemberData(nameof(TrajectoryCases))]
    public void Training_TwentyStepsOfAdam_HasTheDirectAlgorithmsGradients(string name) =>
        ForAll((bits, algorithm) =>
            GoldenTests.AssertGradientsOfTraining(name, bits, algorithm, Tolerance(algorithm)));

    private static double Tolerance(ConvolutionAlgorithm algorithm) =>
        algorithm is ConvolutionAlgorithm.Winograd2 or ConvolutionAlgorithm.Direct ? 1e-6 : 3e-6;

    private static void ForAll(Action<int, ConvolutionAlgorithm> check)
    {
        foreach (int bits in new[] { 128, 256, 512 })
        {
            foreach (ConvolutionAlgorithm algorithm in Enum.GetValues<ConvolutionAlgorithm>())
            {
                check(bits, algorithm);
            }
        }
    }
}
