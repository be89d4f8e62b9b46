using System.Globalization;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Losses;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>
/// The second term of Neighbor2Neighbor, for one thread: <c>gamma |f(g1) - g2 - (g1(f(y)) - g2(f(y)))|^2</c>.
/// </summary>
/// <remarks>
/// y is the window, f the network, g1 and g2 what <see cref="PairSource.Split"/> takes of a window. Neighbouring pixels
/// of the clean picture differ, and f(y) says by how much; without the term the network smooths over that. It is a
/// constant: no gradient goes through f(y), which is computed forward alone, as the network is used after training
/// (running statistics, no dropout), at four times the pixels of the pair. Gamma grows with the steps of the run from
/// 0 to <see cref="StandardGamma"/>. Nothing is allocated after construction. Source: Huang, Li, Jia, Lu, Liu 2021,
/// "Neighbor2Neighbor: Self-Supervised Denoising from Single Noisy Images", section 4.2; gamma as in the authors'
/// program (increase_ratio 2), which raises it by epochs.
/// </remarks>
internal sealed class NeighborTerm
{
    /// <summary>What gamma has grown to when the run ends, unless the user says otherwise.</summary>
    public const double StandardGamma = 2;

    private readonly Plan _plan;
    private readonly PairSource _source;
    private readonly Loss _loss;
    private readonly double _gammaEnd;
    private readonly Workspace _workspace;
    private readonly float[] _window;
    private readonly float[] _first;
    private readonly float[] _second;
    private readonly float[] _gradient;

    /// <summary>Makes a thread's workspace.</summary>
    /// <param name="plan">The network at the window's size.</param>
    /// <param name="source">The pairs, taken of windows.</param>
    /// <param name="loss">Of squares.</param>
    /// <param name="gammaEnd">What gamma has grown to when the run ends.</param>
    public NeighborTerm(Plan plan, PairSource source, Loss loss, double gammaEnd)
    {
        _plan = plan;
        _source = source;
        _loss = loss;
        _gammaEnd = gammaEnd;
        _workspace = plan.CreateWorkspace(training: false);
        _window = new float[plan.Input.Elements];
        _first = new float[source.Shape.Elements];
        _second = new float[source.Shape.Elements];
        _gradient = new float[source.Shape.Elements];
    }

    /// <summary>The network at the window's size; null where there is no second term.</summary>
    /// <param name="model">The network.</param>
    /// <param name="source">The pairs.</param>
    /// <param name="configuration">Names model, loss and gamma.</param>
    /// <exception cref="ConfigurationException">The model, the loss or gamma is none that windows are for.</exception>
    public static Plan? Compile(Model model, PairSource source, RunConfiguration configuration)
    {
        if (source.WindowShape is not { } window)
        {
            return configuration.NeighborGamma is { } given
                ? throw new ConfigurationException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"--neighbor-gamma {given} does not apply: pairs are not neighbouring pixels."),
                    "Leave --neighbor-gamma out, or give --pairs neighbors.")
                : null;
        }

        if (configuration.NeighborGamma == 0)
        {
            return null;
        }

        if (configuration.Loss != "mse")
        {
            throw new ConfigurationException(
                $"--loss {configuration.Loss} does not apply to --pairs neighbors, whose second term is of squares.",
                "Leave --loss out, or give --neighbor-gamma 0 for the pairs alone.");
        }

        ImageShape output = model.OutputShape(window);
        return output == window
            ? model.Compile(window)
            : throw new ConfigurationException(
                $"Model {configuration.Model} makes {output} of windows {window}.",
                "Choose a model that gives back the shape of its input.");
    }

    /// <summary>Adds the term of one pair.</summary>
    /// <param name="replica">The parameters.</param>
    /// <param name="sample">As for the source's Read.</param>
    /// <param name="epoch">As for the source's Read.</param>
    /// <param name="prediction">What the network makes of the input.</param>
    /// <param name="target">As it was read.</param>
    /// <param name="progress">Share of the run's steps that are done.</param>
    /// <param name="gradient">Of the loss with respect to the prediction; added to.</param>
    /// <returns>The term.</returns>
    public double Add(
        Replica replica,
        int sample,
        int epoch,
        ReadOnlySpan<float> prediction,
        ReadOnlySpan<float> target,
        double progress,
        Span<float> gradient)
    {
        double gamma = _gammaEnd * progress;
        if (gamma == 0)
        {
            return 0;
        }

        _source.ReadWindow(sample, epoch, _window);
        _workspace.SetInput(0, _window);
        _plan.Forward(replica, _workspace);
        _workspace.GetOutput(0, _window);
        _source.Split(sample, epoch, _window, _first, _second);
        for (int i = 0; i < _second.Length; i++)
        {
            _second[i] = target[i] + (_first[i] - _second[i]);
        }

        double term = _loss.Evaluate(prediction, _second, _gradient);
        float weight = (float)gamma;
        for (int i = 0; i < _gradient.Length; i++)
        {
            gradient[i] = MathF.FusedMultiplyAdd(weight, _gradient[i], gradient[i]);
        }

        return gamma * term;
    }
}
