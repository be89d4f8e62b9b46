namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>Sizes of the long tests: small by default, full with DISTRIBUTED_TEST_FULL=1.</summary>
internal static class Scale
{
    private static readonly bool s_isFull = Environment.GetEnvironmentVariable("DISTRIBUTED_TEST_FULL") == "1";

    /// <summary>One of two sizes.</summary>
    public static int Of(int small, int full) => s_isFull ? full : small;
}
