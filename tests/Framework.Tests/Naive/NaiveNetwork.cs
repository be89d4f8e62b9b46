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
        LeakyReLU leaky => Elementwise(
            x, v => v > 0 ? v : v * leaky.NegativeSlope, y => y > 0 ? 1 : leaky.NegativeSlope),
        Tanh => Elementwise(x, Math.Tanh, y => 1 - (y * y)),
        ELU elu => ExponentialUnit(x, 1, elu.Alpha),
        SELU => ExponentialUnit(x, 1.0507009873554805, 1.6732632423543772),
        Linear linear => Multiply(linear, x),
        Flatten => x with { Shape = new ImageShape(x.Values.Length, 1, 1), Backward = gradient => gradient },
        NearestUpsample2d upsample => Route(x, NaiveRoutes.Upsample(upsample, x.Shape)),
        PixelShuffle shuffle => Route(x, NaiveRoutes.Shuffle(shuffle, x.Shape)),
        PixelUnshuffle unshuffle => Route(x, NaiveRoutes.Unshuffle(unshuffle, x.Shape)),
        MaxPool2d pool => Route(x, NaiveRoutes.MaxPool(pool, x.Shape, x.Values)),
        Residual residual => Add(residual, x),
        SkipConcat skip => Concatenate(skip, x),
        _ => throw new NotSupportedException(layer.GetType().Name),
    };

    private static Value ExponentialUnit(Value x, double scale, double alpha) => Elementwise(
        x,
        v => v > 0 ? scale * v : scale * alpha * (Math.Exp(v) - 1),
        y => y > 0 ? scale : y + (scale * alpha));

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

    private Value Multiply(Linear layer, Value x)
    {
        int weight = _next;
        int bias = weight + (layer.In * layer.Out);
        _next = bias + (layer.Bias ? layer.Out : 0);
        double[] y = new double[layer.Out];
        for (int o = 0; o < y.Length; o++)
        {
            y[o] = layer.Bias ? _parameters[bias + o] : 0;
            for (int i = 0; i < layer.In; i++)
            {
                y[o] += _parameters[weight + (o * layer.In) + i] * x.Values[i];
            }
        }

        return new Value(new ImageShape(layer.Out, 1, 1), y, gradient =>
        {
            double[] back = new double[layer.In];
            for (int o = 0; o < layer.Out; o++)
            {
                for (int i = 0; i < layer.In; i++)
                {
                    int w = weight + (o * layer.In) + i;
                    back[i] += gradient[o] * _parameters[w];
                    Gradient[w] += gradient[o] * x.Values[i];
                }

                if (layer.Bias)
                {
                    Gradient[bias + o] += gradient[o];
                }
            }

            return back;
        });
    }

    private Value Add(Residual residual, Value x)
    {
        Value inner = Apply(residual.Inner, x with { Backward = gradient => gradient });
        return new Value(
            x.Shape,
            [.. x.Values.Zip(inner.Values, (a, b) => a + b)],
            gradient => [.. gradient.Zip(inner.Backward(gradient), (a, b) => a + b)]);
    }

    /// <summary>Each output is a copy of one input.</summary>
    private static Value Route(Value x, (ImageShape Shape, int[] From) route) => new(
        route.Shape,
        [.. route.From.Select(from => x.Values[from])],
        gradient =>
        {
            double[] back = new double[x.Values.Length];
            for (int i = 0; i < route.From.Length; i++)
            {
                back[route.From[i]] += gradient[i];
            }

            return back;
        });

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
