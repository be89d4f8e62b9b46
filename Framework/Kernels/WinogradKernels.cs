using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>Winograd's transforms at one vector width and tile size.</summary>
internal abstract unsafe class WinogradKernels
{
    /// <summary>
    /// Groups of weights that are transformed at once: few planes at a time, a stretch of each, as caches like it.
    /// </summary>
    public const int WeightGroupsMax = 8;

    /// <summary>m: outputs of a tile's side.</summary>
    public abstract int Outputs { get; }

    /// <summary>The plane, of point (1, 1), where A e A^T has the sum of e.</summary>
    public int PlaneOfSums => Outputs + 3;

    /// <summary>planes = B^T d B, for the (m + 2)^2 pixels d from each tile's first on.</summary>
    public abstract void TransformInput(in WinogradTiles tiles);

    /// <summary>image = f(A^T p A + start), for the products p of each tile.</summary>
    public abstract void TransformOutput(in WinogradTiles tiles, bool rectify);

    /// <summary>planes = A e A^T, for the m^2 pixels e of each tile, which become e f' first.</summary>
    /// <param name="tiles">The gradient of f's result; overwritten by that of its argument, unless f is none.</param>
    /// <param name="activation">f.</param>
    /// <param name="toOutput">Floats from the gradient's pixels to those of f's result.</param>
    public abstract void TransformOutputGradient(in WinogradTiles tiles, ActivationKind activation, nint toOutput);

    /// <summary>planes = G g G^T, for groups of 16 weights side by side.</summary>
    /// <param name="weights">[groups][3][3][16].</param>
    /// <param name="groups">1 to <see cref="WeightGroupsMax"/>.</param>
    /// <param name="planes">[groups][16] in each of (m + 2)^2 planes, overwritten.</param>
    /// <param name="plane">Floats from plane to plane.</param>
    public abstract void TransformWeights(float* weights, int groups, float* planes, nint plane);

    /// <summary>weights = G^T u G: <see cref="TransformWeights"/> the other way, for gradients.</summary>
    public abstract void TransformWeightGradient(float* planes, nint plane, int groups, float* weights);
}

/// <summary>The transforms for one vector type and tile.</summary>
/// <remarks>
/// Reads and writes jump from plane to plane and from line to line, which the processor does not foresee: what the next
/// tile takes, or group of weights, is asked for on the way, where that pays.
/// </remarks>
internal sealed unsafe class WinogradKernels<TVector, TTile> : WinogradKernels
    where TVector : struct, IVector<TVector>
    where TTile : struct, IWinogradTile
{
    private const int Group = 16;

    /// <summary>Room for 6 x 6 vectors, and for aligning the first one.</summary>
    private const int TemporaryFloats = 37 * Group;

    public override int Outputs => TTile.Outputs;

    private static int Side => TTile.Outputs + 2;

    /// <summary>Weights of a group, transformed in one dimension.</summary>
    private static int RoomFloats => 3 * Side * Group;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformInput(in WinogradTiles tiles)
    {
        float* room = stackalloc float[TemporaryFloats];
        float* temporary = Align(room);
        int lanes = TVector.Lanes;
        nint plane = tiles.Plane;
        nint line = tiles.Line;
        nint pixel = tiles.Pixel;
        int asked = tiles.Prefetches ? Side : 0;
        for (int row = 0; row < tiles.Rows; row++)
        {
            float* image = tiles.Image + ((nint)row * TTile.Outputs * tiles.Line);
            float* planes = tiles.Planes + ((nint)row * tiles.Columns * tiles.Tile);
            for (int column = 0; column < tiles.Columns; column++)
            {
                foreach (Run run in tiles.Channels)
                {
                    float* end = image + run.Offset + run.Count;
                    float* target = planes + run.Offset;
                    for (float* source = image + run.Offset; source < end; source += lanes, target += lanes)
                    {
                        // B^T d: down each column of pixels, transposed into the temporary, which stays in L1.
                        float* here = temporary;
                        for (float* at = source; here < temporary + (Side * lanes); here += lanes, at += pixel)
                        {
                            CacheLine.Prefetch(at + (TTile.Outputs * pixel), line, asked);
                            TTile.TransformInput<TVector>(at, line, here, Side * lanes);
                        }

                        // (B^T d) B: along each line of it; point (y, x) goes to its own plane, y Side + x.
                        here = temporary;
                        for (float* at = target; here < temporary + (Side * Side * lanes); at += Side * plane)
                        {
                            CacheLine.Prefetch(at + tiles.Tile, plane, asked);
                            TTile.TransformInput<TVector>(here, lanes, at, plane);
                            here += Side * lanes;
                        }
                    }
                }

                image += TTile.Outputs * tiles.Pixel;
                planes += tiles.Tile;
            }
        }
    }

    public override void TransformOutput(in WinogradTiles tiles, bool rectify)
    {
        if (tiles.Start == null)
        {
            TransformOutput<AddingStore>(tiles);
        }
        else if (rectify)
        {
            TransformOutput<ActivatedStore<Rectifier>>(tiles);
        }
        else
        {
            TransformOutput<ActivatedStore<Identity>>(tiles);
        }
    }

    public override void TransformOutputGradient(in WinogradTiles tiles, ActivationKind activation, nint toOutput)
    {
        switch (activation.Formula)
        {
            case ActivationFormula.None:
                TransformOutputGradient<Identity>(tiles, activation.Parameter, toOutput);
                break;
            case ActivationFormula.ReLU:
                TransformOutputGradient<Rectifier>(tiles, activation.Parameter, toOutput);
                break;
            case ActivationFormula.Sigmoid:
                TransformOutputGradient<Logistic>(tiles, activation.Parameter, toOutput);
                break;
            case ActivationFormula.Tanh:
                TransformOutputGradient<HyperbolicTangent>(tiles, activation.Parameter, toOutput);
                break;
            case ActivationFormula.LeakyReLU:
                TransformOutputGradient<LeakyRectifier>(tiles, activation.Parameter, toOutput);
                break;
            case ActivationFormula.ELU:
                TransformOutputGradient<ExponentialUnit>(tiles, activation.Parameter, toOutput);
                break;
            case ActivationFormula.SELU:
                TransformOutputGradient<ScaledExponentialUnit>(tiles, activation.Parameter, toOutput);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, "No such activation.");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutputGradient<TFunction>(in WinogradTiles tiles, float parameter, nint toOutput)
        where TFunction : struct, IActivationFunction
    {
        TVector broadcast = TVector.Broadcast(parameter);
        float* room = stackalloc float[TemporaryFloats];
        float* temporary = Align(room);
        int lanes = TVector.Lanes;
        int outputs = TTile.Outputs;
        nint plane = tiles.Plane;
        nint line = tiles.Line;
        nint pixel = tiles.Pixel;
        int asked = tiles.Prefetches ? Side : 0;
        for (int row = 0; row < tiles.Rows; row++)
        {
            float* image = tiles.Image + ((nint)row * TTile.Outputs * tiles.Line);
            float* planes = tiles.Planes + ((nint)row * tiles.Columns * tiles.Tile);
            for (int column = 0; column < tiles.Columns; column++)
            {
                foreach (Run run in tiles.Channels)
                {
                    float* end = image + run.Offset + run.Count;
                    float* target = planes + run.Offset;
                    for (float* source = image + run.Offset; source < end; source += lanes, target += lanes)
                    {
                        float* here = temporary;
                        for (float* at = source; here < temporary + (outputs * lanes); here += lanes, at += pixel)
                        {
                            CacheLine.Prefetch(at + (outputs * pixel), line, Math.Min(asked, outputs));

                            // The activation's backward step on the way: the gradient passes through memory once.
                            if (typeof(TFunction) != typeof(Identity))
                            {
                                CacheLine.Prefetch(at + (outputs * pixel) + toOutput, line, Math.Min(asked, outputs));
                                CarryBack<TFunction>(at, line, toOutput, broadcast);
                            }

                            TTile.TransformOutputGradient<TVector>(at, line, here, outputs * lanes);
                        }

                        here = temporary;
                        for (float* at = target; here < temporary + (Side * outputs * lanes); at += Side * plane)
                        {
                            CacheLine.Prefetch(at + tiles.Tile, plane, asked);
                            TTile.TransformOutputGradient<TVector>(here, lanes, at, plane);
                            here += outputs * lanes;
                        }
                    }
                }

                image += TTile.Outputs * tiles.Pixel;
                planes += tiles.Tile;
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformWeights(float* weights, int groups, float* planes, nint plane)
    {
        // G g: the kernel's three rows become Side, for all groups of the block.
        float* room = stackalloc float[WeightGroupsMax * RoomFloats];
        for (int group = 0; group < groups; group++)
        {
            float* source = weights + (group * 9 * Group);
            float* target = room + (group * RoomFloats);
            for (int at = 0; at < 3 * Group; at += TVector.Lanes)
            {
                TTile.TransformWeight<TVector>(source + at, 3 * Group, target + at, 3 * Group);
            }
        }

        // (G g) G^T: only Side planes are open at once, and each gets a whole cache line a group before the next.
        for (int y = 0; y < Side; y++, planes += Side * plane)
        {
            for (int group = 0; group < groups; group++)
            {
                float* source = room + (group * RoomFloats) + (y * 3 * Group);
                for (int lane = 0; lane < Group; lane += TVector.Lanes)
                {
                    TTile.TransformWeight<TVector>(source + lane, Group, planes + (group * Group) + lane, plane);
                }
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TransformWeightGradient(float* planes, nint plane, int groups, float* weights)
    {
        // The transposed steps in the opposite order: first G^T u over each column of planes, then along lines.
        float* room = stackalloc float[WeightGroupsMax * RoomFloats];
        for (int x = 0; x < Side; x++, planes += plane)
        {
            for (int group = 0; group < groups; group++)
            {
                float* target = room + (group * RoomFloats) + (x * Group);
                CacheLine.Prefetch(planes + ((groups + group) * Group), Side * plane, Side);
                for (int lane = 0; lane < Group; lane += TVector.Lanes)
                {
                    TTile.TransformWeightGradient<TVector>(
                        planes + (group * Group) + lane, Side * plane, target + lane, Side * Group);
                }
            }
        }

        for (int group = 0; group < groups; group++)
        {
            for (int y = 0; y < 3; y++, weights += 3 * Group)
            {
                float* source = room + (group * RoomFloats) + (y * Side * Group);
                for (int lane = 0; lane < Group; lane += TVector.Lanes)
                {
                    TTile.TransformWeightGradient<TVector>(source + lane, Group, weights + lane, Group);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutput<TStore>(in WinogradTiles tiles)
        where TStore : struct, IOutputStore
    {
        float* room = stackalloc float[TemporaryFloats];
        float* temporary = Align(room);
        int lanes = TVector.Lanes;
        nint plane = tiles.Plane;
        nint line = tiles.Line;
        nint pixel = tiles.Pixel;
        int asked = tiles.Prefetches ? Side : 0;
        for (int row = 0; row < tiles.Rows; row++)
        {
            int height = Math.Min(TTile.Outputs, tiles.Height - (row * TTile.Outputs));
            float* image = tiles.Image + ((nint)row * TTile.Outputs * tiles.Line);
            float* planes = tiles.Planes + ((nint)row * tiles.Columns * tiles.Tile);
            for (int column = 0; column < tiles.Columns; column++)
            {
                int width = Math.Min(TTile.Outputs, tiles.Width - (column * TTile.Outputs));
                foreach (Run run in tiles.Channels)
                {
                    for (int c = run.Offset; c < run.Offset + run.Count; c += lanes)
                    {
                        float* here = temporary;
                        for (float* at = planes + c; here < temporary + (Side * lanes); here += lanes, at += plane)
                        {
                            CacheLine.Prefetch(at + tiles.Tile, Side * plane, asked);
                            TTile.TransformOutput<TVector, PlainStore>(
                                at, Side * plane, here, Side * lanes, default);
                        }

                        TVector start = tiles.Start == null ? default : TVector.Load(tiles.Start + c);
                        float* products = temporary;
                        float* target = image + c;
                        for (int y = 0; y < height; y++, target += line, products += Side * lanes)
                        {
                            CacheLine.Prefetch(
                                target + (TTile.Outputs * pixel), pixel, Math.Min(asked, TTile.Outputs));
                            if (width == TTile.Outputs)
                            {
                                TTile.TransformOutput<TVector, TStore>(products, lanes, target, pixel, start);
                            }
                            else
                            {
                                TTile.TransformOutput<TVector, PlainStore>(products, lanes, products, lanes, default);
                                StoreLine<TStore>(products, start, target, pixel, width);
                            }
                        }
                    }
                }

                image += TTile.Outputs * tiles.Pixel;
                planes += tiles.Tile;
            }
        }
    }

    /// <summary>Pixels of a tile, one below the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CarryBack<TFunction>(float* gradient, nint line, nint toOutput, TVector parameter)
        where TFunction : struct, IActivationFunction
    {
        for (int y = 0; y < TTile.Outputs; y++, gradient += line)
        {
            TVector result = TVector.Load(gradient + toOutput);
            TVector.Store(gradient, TFunction.Backward(result, TVector.Load(gradient), parameter));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreLine<TStore>(float* source, TVector start, float* target, nint pixel, int width)
        where TStore : struct, IOutputStore
    {
        for (int x = 0; x < width; x++, source += TVector.Lanes, target += pixel)
        {
            TStore.Store(target, TVector.Load(source), start);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Align(float* room) => (float*)(((nint)room + 63) & ~(nint)63);
}
