using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Naive;

/// <summary>Both convolutions in float64, as the list of products they consist of.</summary>
/// <remarks>
/// Everything follows from which product x[i] w[k] goes to which output y[j]: forward adds it up, and the gradients
/// follow the same products back. So one loop nest, of which anybody can check the indices, is the whole twin.
/// </remarks>
internal sealed class NaiveConvolution
{
    private readonly List<(int X, int W, int Y)> _products = [];
    private readonly int _weights;
    private readonly bool _bias;

    public NaiveConvolution(ConvolutionLayer layer, ImageShape input)
    {
        _weights = layer.In * layer.Out * layer.K * layer.K;
        _bias = layer.Bias;
        switch (layer)
        {
            case Conv2d conv:
                AddProducts(conv, input);
                break;
            case ConvTranspose2d conv:
                AddProducts(conv, input);
                break;
        }
    }

    public ImageShape Output { get; private set; }

    public int ParameterCount => _weights + (_bias ? Output.C : 0);

    public double[] Forward(double[] x, ReadOnlySpan<float> parameters)
    {
        double[] y = new double[Output.Elements];
        for (int j = 0; j < y.Length; j++)
        {
            y[j] = _bias ? parameters[_weights + (j / (Output.H * Output.W))] : 0;
        }

        foreach ((int i, int k, int j) in _products)
        {
            y[j] += x[i] * parameters[k];
        }

        return y;
    }

    /// <summary>Gives the input's gradient, and adds to the parameters'.</summary>
    public double[] Backward(double[] x, ReadOnlySpan<float> parameters, double[] outputGradient, Span<double> gradient)
    {
        double[] inputGradient = new double[x.Length];
        foreach ((int i, int k, int j) in _products)
        {
            inputGradient[i] += outputGradient[j] * parameters[k];
            gradient[k] += outputGradient[j] * x[i];
        }

        for (int j = 0; _bias && j < outputGradient.Length; j++)
        {
            gradient[_weights + (j / (Output.H * Output.W))] += outputGradient[j];
        }

        return inputGradient;
    }

    /// <summary>y[o, i, j] reads x[c, i S - P + ky, j S - P + kx], weight [o, c, ky, kx].</summary>
    private void AddProducts(Conv2d conv, ImageShape input)
    {
        bool same = conv.Padding == Conv2d.Same;
        int before = same ? (conv.K - 1) / 2 : conv.Padding;
        int both = same ? conv.K - 1 : 2 * conv.Padding;
        Output = new ImageShape(
            conv.Out, ((input.H + both - conv.K) / conv.Stride) + 1, ((input.W + both - conv.K) / conv.Stride) + 1);
        int k = conv.K;
        for (int o = 0; o < conv.Out; o++)
        for (int c = 0; c < conv.In; c++)
        for (int ky = 0; ky < k; ky++)
        for (int kx = 0; kx < k; kx++)
        for (int i = 0; i < Output.H; i++)
        for (int j = 0; j < Output.W; j++)
        {
            int weight = (((((o * conv.In) + c) * k) + ky) * k) + kx;
            Add(input, c, (i * conv.Stride) - before + ky, (j * conv.Stride) - before + kx, weight, o, i, j);
        }
    }

    /// <summary>x[c, i, j] goes to y[o, i S - P + ky, j S - P + kx], weight [c, o, ky, kx].</summary>
    private void AddProducts(ConvTranspose2d conv, ImageShape input)
    {
        int k = conv.K;
        int added = k + conv.OutputPadding - (2 * conv.Padding);
        Output = new ImageShape(
            conv.Out, ((input.H - 1) * conv.Stride) + added, ((input.W - 1) * conv.Stride) + added);
        for (int c = 0; c < conv.In; c++)
        for (int o = 0; o < conv.Out; o++)
        for (int ky = 0; ky < k; ky++)
        for (int kx = 0; kx < k; kx++)
        for (int i = 0; i < input.H; i++)
        for (int j = 0; j < input.W; j++)
        {
            int weight = (((((c * conv.Out) + o) * k) + ky) * k) + kx;
            int y = (i * conv.Stride) - conv.Padding + ky;
            int x = (j * conv.Stride) - conv.Padding + kx;
            Add(input, c, i, j, weight, o, y, x);
        }
    }

    private void Add(ImageShape input, int c, int inY, int inX, int weight, int o, int outY, int outX)
    {
        bool inside = inY >= 0 && inY < input.H && inX >= 0 && inX < input.W
            && outY >= 0 && outY < Output.H && outX >= 0 && outX < Output.W;
        if (inside)
        {
            int x = (((c * input.H) + inY) * input.W) + inX;
            int y = (((o * Output.H) + outY) * Output.W) + outX;
            _products.Add((x, weight, y));
        }
    }
}
