using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks.Kernels;

/// <summary>What runs over all parameters: sums of gradients, the check for finite ones, the optimizers.</summary>
internal static unsafe class UpdateCases
{
    private const int Batch = 32;

    /// <summary>Those of n2n-final and n2n-unet.</summary>
    private static readonly int[] s_parameters = [188_403, 991_203];

    private static readonly AdamStep s_adam = new(1e-3f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-8f, 0, 0.9f);

    private delegate void Update(KernelSet kernels, Operands operands);

    public static IEnumerable<KernelCase> All() => s_parameters.SelectMany(Updates);

    private static KernelCase[] Updates(int parameters)
    {
        SgdStep sgd = new(1e-3f, Momentum: 0.9f, Nesterov: false, WeightDecay: 0);
        SgdStep plain = sgd with { Momentum = 0 };
        SgdStep nesterov = sgd with { Nesterov = true, WeightDecay = 1e-4f };
        AdaGradStep adaGrad = new(1e-2f, 1e-10f, WeightDecay: 0);
        return
        [
            Create("gradients added", 3, (kernels, o) => kernels.Add(o.Gradient, o.Target, parameters)),
            Create("gradients finite", 1, (kernels, o) => kernels.AreFinite(o.Gradient, parameters)),
            Create("SGD", 3, (kernels, o) =>
                kernels.Sgd(o.Old, o.Gradient, Batch, null, o.Target, parameters, plain)),
            Create("SGD, momentum", 5, (kernels, o) =>
                kernels.Sgd(o.Old, o.Gradient, Batch, o.Slot1, o.Target, parameters, sgd)),
            Create("SGD, Nesterov and weight decay", 5, (kernels, o) =>
                kernels.Sgd(o.Old, o.Gradient, Batch, o.Slot1, o.Target, parameters, nesterov)),
            Adam("Adam", s_adam),
            Adam("AdamW", s_adam with { Kept = 0.999f }),
            Adam("Adam, epsilon inside root", s_adam with { EpsilonInsideRoot = true }),
            Create("AdaGrad", 5, (kernels, o) =>
                kernels.AdaGrad(o.Old, o.Gradient, Batch, o.Slot1, o.Target, parameters, adaGrad)),
        ];

        KernelCase Adam(string name, AdamStep step) => Create(name, 7, (kernels, o) =>
            kernels.Adam(o.Old, o.Gradient, Batch, o.Slot1, o.Slot2, o.Target, parameters, step));

        KernelCase Create(string name, int passes, Update update) => new(
            $"{name}, {parameters} parameters", Work.Bytes, (double)passes * parameters * sizeof(float), kernels =>
            {
                Operands operands = new(parameters);
                return () => update(kernels, operands);
            });
    }

    /// <summary>The flat buffers of one update; slots start at zero.</summary>
    private sealed class Operands(int parameters)
    {
        private readonly AlignedBuffer _old = Image.Numbers(parameters);
        private readonly AlignedBuffer _gradient = Image.Numbers(parameters);
        private readonly AlignedBuffer _slot1 = new(parameters);
        private readonly AlignedBuffer _slot2 = new(parameters);
        private readonly AlignedBuffer _target = new(parameters);

        public float* Old => _old.Pointer;

        public float* Gradient => _gradient.Pointer;

        public float* Slot1 => _slot1.Pointer;

        public float* Slot2 => _slot2.Pointer;

        public float* Target => _target.Pointer;
    }
}
