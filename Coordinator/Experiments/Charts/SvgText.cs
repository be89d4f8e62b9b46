using System.Globalization;
using System.Net;
using System.Text;

namespace Distributed.Coordinator.Experiments.Charts;

/// <summary>
/// An SVG file as it is written: the same elements give the same bytes. No script, nothing from outside.
/// </summary>
internal sealed class SvgText
{
    /// <summary>Colours that also people who see few colours tell apart (Okabe and Ito 2008).</summary>
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1c2430; --quiet: #5d6774; --paper: #ffffff; --line: #e2e5e9;
          --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b5578f; --c4: #c48a00; --c5: #2f9fd8; --c6: #7a6a58;
          --c7: #6b4fbb; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --quiet: #a3adba; --paper: #14171c;
          --line: #323842; --c0: #58aee8; --c1: #ff8f4d; --c2: #37c99b; --c3: #e393c4; --c4: #e8b53a; --c5: #8ecdf2;
          --c6: #b9a68f; --c7: #a894f0; } }
        .paper { fill: var(--paper); } .grid { stroke: var(--line); fill: none; } .axis { stroke: var(--quiet); }
        text { font: 13px system-ui, "Segoe UI", Roboto, sans-serif; fill: var(--quiet); }
        .title { font-size: 17px; font-weight: 600; fill: var(--ink); } .strong { fill: var(--ink); }
        .curve { fill: none; stroke-width: 2; stroke-linejoin: round; } .band { opacity: 0.18; }
        .reference { stroke: var(--ink); stroke-dasharray: 2 4; fill: none; }
        .whisker { stroke: var(--ink); fill: none; }
        image { image-rendering: pixelated; }
        """;

    private const int Colors = 8;
    private readonly StringBuilder _text = new();

    /// <summary>Begins a file.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="title">For people who do not see it.</param>
    public SvgText(int width, int height, string title)
    {
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" ",
            $"height=\"{height}\" role=\"img\">");
        _text.Append($"<title>{Escape(title)}</title>\n<style>\n{Style.ReplaceLineEndings("\n")}\n</style>\n");
        Line($"<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
    }

    /// <summary>The colour with a number, over and over.</summary>
    public static string Color(int number) => $"var(--c{number % Colors})";

    /// <summary>Text that may hold anything, as it must be written.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A place or length: a tenth of a pixel is enough.</summary>
    public static string Number(double value) =>
        (Math.Round(value, 1) + 0.0).ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>One element.</summary>
    public void Line(params FormattableString[] parts)
    {
        foreach (FormattableString part in parts)
        {
            _text.Append(part.ToString(CultureInfo.InvariantCulture));
        }

        _text.Append('\n');
    }

    /// <summary>A text.</summary>
    /// <param name="x">Where, in pixels.</param>
    /// <param name="y">Its base line, in pixels.</param>
    /// <param name="text">Anything.</param>
    /// <param name="anchor">start, middle or end.</param>
    /// <param name="more">Further attributes.</param>
    public void Text(double x, double y, string text, string anchor = "start", string more = "") => Line(
        $"<text x=\"{Number(x)}\" y=\"{Number(y)}\" text-anchor=\"{anchor}\"{more}>{Escape(text)}</text>");

    /// <summary>The whole file.</summary>
    public string End() => _text.Append("</svg>\n").ToString();
}
