namespace Distributed.Protocol.Tests;

/// <summary>Settings stand where the command line is silent.</summary>
public sealed class GivenSettingTests
{
    [Theory]
    [InlineData("", "--port=1 --wait")]
    [InlineData("--port 2", "--port 2 --wait")]
    [InlineData("--port=2 --wait", "--port=2 --wait")]
    [InlineData("--portable", "--portable --port=1 --wait")]
    public void Complete_AddsWhatIsNotTyped(string typed, string expected)
    {
        GivenSetting[] settings =
        [
            new("--port", "1", "here"), new("--wait", "True", "here"), new("--hurry", "false", "here"),
        ];
        Assert.Equal(
            expected.Split(' '),
            GivenSetting.Complete(
                typed.Split(' ', StringSplitOptions.RemoveEmptyEntries), settings, name => name != "--port"));
    }

    [Theory]
    [InlineData("TOKENFILE", "--token-file", true)]
    [InlineData("TokenFile", "--token-file", true)]
    [InlineData("Token", "--token-file", false)]
    public void Key_IsTheNameWithoutDashes(string key, string option, bool expected) =>
        Assert.Equal(expected, GivenSetting.IsKeyOf(key, option));
}
