namespace Distributed.Framework.Kernels;

/// <summary>Calls the register tile of a given number of rows, 1 to 12.</summary>
internal static unsafe class TileTable<TVector, TColumns>
    where TVector : struct, IVector<TVector>
    where TColumns : struct, ITileSize
{
    /// <inheritdoc cref="RegisterTile{TVector, TRows, TColumns}.MultiplyRuns"/>
    public static void MultiplyRuns(int rows, in RunTile tile, int tiles)
    {
        switch (rows)
        {
            case 1:
                RegisterTile<TVector, Size1, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 2:
                RegisterTile<TVector, Size2, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 3:
                RegisterTile<TVector, Size3, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 4:
                RegisterTile<TVector, Size4, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 5:
                RegisterTile<TVector, Size5, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 6:
                RegisterTile<TVector, Size6, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 7:
                RegisterTile<TVector, Size7, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 8:
                RegisterTile<TVector, Size8, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 9:
                RegisterTile<TVector, Size9, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 10:
                RegisterTile<TVector, Size10, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 11:
                RegisterTile<TVector, Size11, TColumns>.MultiplyRuns(tile, tiles);
                break;
            case 12:
                RegisterTile<TVector, Size12, TColumns>.MultiplyRuns(tile, tiles);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(rows), rows, "A tile has 1 to 12 rows.");
        }
    }

    /// <inheritdoc cref="RegisterTile{TVector, TRows, TColumns}.AccumulatePixels"/>
    public static void AccumulatePixels(int rows, in PixelTile tile, int tiles)
    {
        switch (rows)
        {
            case 1:
                RegisterTile<TVector, Size1, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 2:
                RegisterTile<TVector, Size2, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 3:
                RegisterTile<TVector, Size3, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 4:
                RegisterTile<TVector, Size4, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 5:
                RegisterTile<TVector, Size5, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 6:
                RegisterTile<TVector, Size6, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 7:
                RegisterTile<TVector, Size7, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 8:
                RegisterTile<TVector, Size8, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 9:
                RegisterTile<TVector, Size9, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 10:
                RegisterTile<TVector, Size10, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 11:
                RegisterTile<TVector, Size11, TColumns>.AccumulatePixels(tile, tiles);
                break;
            case 12:
                RegisterTile<TVector, Size12, TColumns>.AccumulatePixels(tile, tiles);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(rows), rows, "A tile has 1 to 12 rows.");
        }
    }
}
