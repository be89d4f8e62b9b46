namespace Distributed.Coordinator.Experiments.Charts;

/// <summary>A picture with a line above it.</summary>
/// <param name="Caption">What it shows.</param>
/// <param name="Png">The file, whole.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
internal sealed record Picture(string Caption, byte[] Png, int Width, int Height);

/// <summary>Puts pictures beside each other into one SVG file.</summary>
internal static class PictureStrip
{
    private const int Margin = 20, Top = 74, Bottom = 20;

    /// <summary>The drawing, with the pictures inside.</summary>
    public static string Draw(string title, IReadOnlyList<Picture> pictures)
    {
        int width = Margin + pictures.Sum(picture => picture.Width + Margin);
        int height = Top + pictures.Max(picture => picture.Height) + Bottom;
        SvgText svg = new(Math.Max(width, 420), height, title);
        svg.Text(Margin, 30, title, more: " class=\"title\"");
        int left = Margin;
        foreach (Picture picture in pictures)
        {
            svg.Text(left, Top - 12, picture.Caption, more: " class=\"strong\"");
            string data = Convert.ToBase64String(picture.Png);
            svg.Line($"<image x=\"{left}\" y=\"{Top}\" width=\"{picture.Width}\" height=\"{picture.Height}\" ",
                $"href=\"data:image/png;base64,{data}\"/>");
            left += picture.Width + Margin;
        }

        return svg.End();
    }
}
