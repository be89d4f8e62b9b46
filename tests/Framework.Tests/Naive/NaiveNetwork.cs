using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Naive;

/// <summary>Whole networks in float64, layer by layer as written down: nothing fused, everything copied.</summary>
internal sealed class NaiveNetwork
{
    private readonly float[] _parameters;
    private int _next;

    private NaiveNetwork(float[] parameters)
    {
        _parameters = parameters;
        Gradient = new double[parameters.Length];
    }

    public ImageShape OutputShape { get; private set; }

    public double[] Output { get; private set; } = [];

    public double[] InputGradient { get; private set; } = [];

    public double[] Gradient { get; }

    /// <summary>Forward and backward; outputGradient gets an image's output and its index.</summary>
    public static NaiveNetwork Run(
        Sequential layers,
        ImageShape input,
        float[] parameters,
        float[] x,
        int n,
        Func<double[], int, double[]> outputGradient)
    {
        NaiveNetwork run = new(parameters);
        for (int image = 0; image < n; image++)
        {
            run._next = 0;
            double[] values = [.. x.AsSpan(image * input.Elements, input.Elements).ToArray().Select(v => (double)v)];
            Value result = run.Apply(layers, new Value(input, values, gradient => gradient));
            run.OutputShape = result.Shape;
            run.Output = [.. run.Output, .. result.Values];
            run.InputGradient = [.. run.InputGradient, .. result.Backward(outputGradient(result.Values, image))];
        }

        return run;
    }

    private Value Apply(Layer layer, Value x) => layer switch
    {
        Sequential sequential => sequential.Layers.Aggregate(x with { Backward = gradient => gradient }, Then),
        ConvolutionLayer convolution => Convolve(convolution, x),
        ReLU => Elementwise(x, v => v <= 0 ? 0 : v, y => y <= 0 ? 0 : 1),
        Sigmoid => Elementwise(x, v => 1 / (1 + Math.Exp(-v)), y => y * (1 - y)),
        SkipConcat skip => Concatenate(skip, x),
        _ => throw new NotSupportedException(layer.GetType().Name),
    };

    private Value Then(Value before, Layer layer)
    {
        Value result = Apply(layer, before);
        return result with { Backward = gradient => before.Backward(result.Backward(gradient)) };
    }

    private Value Convolve(ConvolutionLayer layer, Value x)
    {
        NaiveConvolution convolution = new(layer, x.Shape);
        int start = _next;
        int count = convolution.ParameterCount;
        _next += count;
        return new Value(
            convolution.Output,
            convolution.Forward(x.Values, _parameters.AsSpan(start, count)),
            gradient => convolution.Backward(
                x.Values, _parameters.AsSpan(start, count), gradient, Gradient.AsSpan(start, count)));
    }

    private Value Concatenate(SkipConcat skip, Value x)
    {
        Value inner = Apply(skip.Inner, x with { Backward = gradient => gradient });
        return new Value(
            x.Shape with { C = x.Shape.C + inner.Shape.C },
            [.. x.Values, .. inner.Values],
            gradient =>
            {
                double[] through = inner.Backward(gradient[x.Values.Length..]);
                return [.. gradient[..x.Values.Length].Zip(through, (a, b) => a + b)];
            });
    }

    private static Value Elementwise(Value x, Func<double, double> function, Func<double, double> slope)
    {
        double[] y = [.. x.Values.Select(function)];
        return new Value(x.Shape, y, gradient => [.. gradient.Zip(y, (g, v) => g * slope(v))]);
    }

    /// <summary>A result, and what turns its gradient into the gradient of what it came from.</summary>
    private sealed record Value(ImageShape Shape, double[] Values, Func<double[], double[]> Backward);
}
