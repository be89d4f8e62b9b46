using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Optimizers;

/// <summary>
/// Stochastic gradient descent with momentum, Nesterov's variant and weight decay, as torch.optim.SGD.
/// </summary>
/// <remarks>v = momentum v + g + decay p; p = p - rate v, or rate (g + decay p + momentum v) with Nesterov.</remarks>
public sealed unsafe class Sgd : Optimizer
{
    private readonly float _momentum;
    private readonly bool _nesterov;
    private readonly float _weightDecay;
    private readonly AlignedBuffer? _velocity;
    private SgdStep _step;

    /// <summary>Makes the optimizer, with its state at zero.</summary>
    /// <param name="parameterCount">Floats of the flat buffers.</param>
    /// <param name="momentum">Share of the last step that is kept, within [0, 1).</param>
    /// <param name="nesterov">Whether to look ahead by the momentum; needs some.</param>
    /// <param name="weightDecay">Share of the parameters added to the gradient; at least 0.</param>
    /// <exception cref="Errors.ConfigurationException">An argument is out of range.</exception>
    public Sgd(int parameterCount, double momentum = 0, bool nesterov = false, double weightDecay = 0)
        : base(parameterCount)
    {
        CheckShare("momentum", momentum);
        CheckNotNegative("weight decay", weightDecay);
        Check("nesterov with a momentum", momentum, !nesterov || momentum > 0, "above 0 to below 1");
        _momentum = (float)momentum;
        _nesterov = nesterov;
        _weightDecay = (float)weightDecay;
        _velocity = momentum == 0 ? null : AddSlot("momentum_buffer");
    }

    /// <inheritdoc/>
    private protected override void Begin(double learningRate) =>
        _step = new SgdStep((float)learningRate, _momentum, _nesterov, _weightDecay);

    /// <inheritdoc/>
    private protected override void Update(
        float* old, float* gradientSum, float divisor, float* target, int start, int length) =>
        Kernels.Sgd(
            old,
            gradientSum,
            divisor,
            _velocity == null ? null : _velocity.Pointer + start,
            target,
            length,
            _step);
}
