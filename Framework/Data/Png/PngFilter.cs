namespace Distributed.Framework.Data.Png;

/// <summary>PNG's five row filters, both ways. Source: PNG specification (W3C, 2003), section 9.</summary>
internal static class PngFilter
{
    /// <summary>Number of filters; their codes are 0 to 4.</summary>
    public const int Count = 5;

    /// <summary>Puts a filtered row back.</summary>
    /// <param name="filter">0 none, 1 left, 2 above, 3 average, 4 Paeth.</param>
    /// <param name="row">Filtered bytes in, bytes out.</param>
    /// <param name="above">The row above, or zeros; as long as row.</param>
    /// <param name="distance">Bytes from a pixel to the next, at least 1.</param>
    /// <returns>False if there is no such filter.</returns>
    public static bool Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int distance)
    {
        if (filter is < 0 or >= Count)
        {
            return false;
        }

        for (int i = 0; filter != 0 && i < row.Length; i++)
        {
            row[i] += Prediction(filter, row, above, i, distance);
        }

        return true;
    }

    /// <summary>Filters a row.</summary>
    /// <returns>Sum of the magnitudes of the filtered bytes, taken as signed: less usually compresses better.</returns>
    public static long Apply(
        int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int distance, Span<byte> filtered)
    {
        long magnitude = 0;
        for (int i = 0; i < row.Length; i++)
        {
            byte value = (byte)(row[i] - Prediction(filter, row, above, i, distance));
            filtered[i] = value;
            magnitude += Math.Min(value, 256 - value);
        }

        return magnitude;
    }

    private static byte Prediction(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int i, int distance)
    {
        int left = i >= distance ? row[i - distance] : 0;
        int up = above[i];
        switch (filter)
        {
            case 0:
                return 0;
            case 1:
                return (byte)left;
            case 2:
                return (byte)up;
            case 3:
                return (byte)((left + up) / 2);
            default:
                int corner = i >= distance ? above[i - distance] : 0;
                int estimate = left + up - corner;
                int toLeft = Math.Abs(estimate - left);
                int toUp = Math.Abs(estimate - up);
                int toCorner = Math.Abs(estimate - corner);
                return (byte)(toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner);
        }
    }
}
