using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>What a run leaves to be read: metrics, TensorBoard events, the summary and the report.</summary>
public sealed class RunRecordsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string LogPath => Path.Combine(_folder, "metrics.jsonl");

    [Fact]
    public void Append_ThenRead_GivesEveryStep()
    {
        WriteLog(0, Step(1), Step(2) with { Psnr = 25.5, Loss = double.NaN });

        Assert.Equal(
            """{"step":1,"epoch":1,"loss":0.5,"lr":0.001,"imagesPerSecond":10,"seconds":2,"""
            + "\"workers\":3,\"recomputedShards\":4,\"waitSeconds\":0.25,\"sumSeconds\":0.002,\"updateSeconds\":0.001,"
            + "\"computeSeconds\":0.5,\"bytesIn\":1500000,\"bytesOut\":1800000}",
            File.ReadAllLines(LogPath)[0]);
        IReadOnlyList<StepMetrics> history = MetricsReader.Read(LogPath);
        Assert.Equal([Step(1), Step(2) with { Psnr = 25.5, Loss = double.NaN }], history);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"step\":3,\"ep")]
    [InlineData("{\"step\":3}")]
    [InlineData("\0\0\0\0\n{\"step\":3}\n")]
    [InlineData("[]\n")]
    public void Open_TornEndOrLaterSteps_CutsThemOff(string end)
    {
        WriteLog(0, Step(1), Step(2), Step(3), Step(4));
        File.AppendAllText(LogPath, end);

        WriteLog(3, Step(4) with { Workers = 9 });

        Assert.Equal([1, 2, 3, 4], MetricsReader.Read(LogPath).Select(metrics => metrics.Step));
        Assert.Equal(9, MetricsReader.Read(LogPath)[3].Workers);
    }

    [Fact]
    public void Flush_FileIsAnothersNow_WritesNothing()
    {
        WriteLog(0, Step(1));
        MetricsLog log = new(LogPath, 1, TimeProvider.System, () => throw new RunLostException("lost", ""));
        log.Append(Step(2));

        Assert.Throws<RunLostException>(log.Flush);
        Assert.Throws<RunLostException>(log.Dispose);

        Assert.Single(MetricsReader.Read(LogPath));
    }

    [Fact]
    public void ReadLast_OfAnyFile_IsTheLastWholeLine()
    {
        Assert.Null(MetricsReader.ReadLast(LogPath));
        File.WriteAllText(LogPath, "{\"st");
        Assert.Null(MetricsReader.ReadLast(LogPath));
        File.Delete(LogPath);
        WriteLog(0, [.. Enumerable.Range(1, 5000).Select(step => Step(step))]);
        Assert.Equal(5000, MetricsReader.ReadLast(LogPath)!.Value.Step);
        File.AppendAllText(LogPath, "{\"step\":5001,\"epo");
        Assert.Equal(5000, MetricsReader.ReadLast(LogPath)!.Value.Step);
        File.AppendAllText(LogPath, "\n");
        Assert.Equal(5000, MetricsReader.ReadLast(LogPath)!.Value.Step);
    }

    [Fact]
    public void Open_LaterLife_KnowsTheSecondsOfThoseBefore()
    {
        WriteLog(0, Step(1), Step(2) with { Seconds = 5 }, Step(3) with { Seconds = 9 });
        using MetricsLog log = new(LogPath, 2, TimeProvider.System);
        Assert.Equal(5, log.SecondsBefore);
    }

    [Fact]
    public void Open_LongLogOrEndlessLine_FindsTheCut()
    {
        WriteLog(0, [.. Enumerable.Range(1, 5000).Select(step => Step(step))]);
        Assert.Equal(5000, MetricsReader.Read(LogPath).Count);
        File.AppendAllText(LogPath, new string('x', 1_000_000));

        WriteLog(4321);

        Assert.Equal(4321, MetricsReader.Read(LogPath)[^1].Step);
        Assert.EndsWith("}\n", File.ReadAllText(LogPath), StringComparison.Ordinal);
    }

    [Fact]
    public void Append_SteadyState_AllocatesNothingMuch()
    {
        using MetricsLog log = new(LogPath, 0, TimeProvider.System);
        using TensorBoardWriter board = new(_folder, 1, 0, TimeProvider.System);
        StepMetrics metrics = Step(1);
        log.Append(metrics);
        board.Append(metrics);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            log.Append(metrics);
            board.Append(metrics);
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 0, 64);
    }

    /// <summary>A run of 200,000 steps: the file stays small, the newest steps whole, validations in it.</summary>
    [Fact]
    public void Append_LongRun_KeepsEverySoManyOfTheOlderSteps()
    {
        long longest = 0;
        using (MetricsLog log = new(LogPath, 0, TimeProvider.System))
        {
            for (int step = 1; step <= 200_000; step++)
            {
                log.Append(Step(step) with { Psnr = step % 1000 == 0 ? 25.5 : null });
                longest = step % 500 == 0 ? Math.Max(longest, new FileInfo(LogPath).Length) : longest;
            }

            Assert.InRange(log.Thinnings, 1, 10);
            Assert.InRange(log.Every, 4, 64);
        }

        Assert.InRange(longest, 8 << 20, 20_000_000);
        IReadOnlyList<StepMetrics> history = MetricsReader.Read(LogPath);
        Assert.Equal(200_000, history[^1].Step);
        Assert.Equal(Enumerable.Range(190_001, 10_000).Select(step => (long)step), history.TakeLast(10_000)
            .Select(step => step.Step));
        Assert.Equal(200, history.Count(step => step.Psnr is not null));
        Assert.Equal(history.Select(step => step.Step).Order(), history.Select(step => step.Step));
        using MetricsLog resumed = new(LogPath, 195_000, TimeProvider.System);
        Assert.Equal(195_000, MetricsReader.Read(LogPath)[^1].Step);
    }

    /// <summary>TensorBoard takes the newer file from the life's first step on; the older one is gone.</summary>
    [Fact]
    public void TensorBoard_Restart_LeavesOneFileOfWhatIsKept()
    {
        using (TensorBoardWriter board = new(_folder, term: 1, lastStep: 10, TimeProvider.System))
        {
            board.Append(Step(11));
            board.Append(Step(12));
            board.Restart([Step(9), Step(12)]);
            board.Append(Step(13));
        }

        string file = Assert.Single(Directory.GetFiles(_folder, "events.*"));
        Assert.EndsWith(".000001", file, StringComparison.Ordinal);
        // Version, start, and two scalars for each of steps 12 and 13.
        Assert.Equal(6, Records(file));
    }

    private static int Records(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int count = 0;
        for (int at = 0; at < bytes.Length; count++)
        {
            at += 16 + (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
        }

        return count;
    }

    [Fact]
    public void TensorBoard_Scalars_DecodeWithRightChecksums()
    {
        using (TensorBoardWriter board = new(_folder, term: 7, lastStep: 299, TimeProvider.System))
        {
            board.Append(Step(300) with { Psnr = 25.5 });
        }

        byte[] bytes = File.ReadAllBytes(Assert.Single(Directory.EnumerateFiles(_folder, "events.out.tfevents.*.7")));
        List<byte[]> records = Records(bytes);

        Assert.Equal(5, records.Count);
        Assert.Equal("1A0D" + Convert.ToHexString("brain.Event:2"u8), Convert.ToHexString(records[0].AsSpan(9)));
        Assert.Equal("10AC02" + "3A020801", Convert.ToHexString(records[1].AsSpan(9)));
        Assert.Equal(
            "10AC02" + "2A0D" + "0A0B" + "0A04" + Convert.ToHexString("loss"u8) + "15" + "0000003F",
            Convert.ToHexString(records[2].AsSpan(9)));
        Assert.Contains("images_per_second", Encoding.Latin1.GetString(records[3]), StringComparison.Ordinal);
        Assert.Equal(
            "10AC02" + "2A0D" + "0A0B" + "0A04" + Convert.ToHexString("psnr"u8) + "15" + "0000CC41",
            Convert.ToHexString(records[4].AsSpan(9)));
        double wallTime = BinaryPrimitives.ReadDoubleLittleEndian(records[4].AsSpan(1));
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - wallTime, -5, 60);
    }

    /// <summary>
    /// The known answer of CRC-32C, so that the test's own checksum is not merely the writer's mistake again.
    /// </summary>
    [Fact]
    public void Checksum_OfTheTest_HasTheKnownAnswer() => Assert.Equal(0xE3069283u, Crc32C("123456789"u8));

    [Fact]
    public void ToJson_NullsAndInfinities_AreWrittenAsNull() => Assert.Equal(
        """{"steps":12,"epochs":1.5,"loss":0.25,"psnr":null,"psnrMeanPerImage":null,"psnrEstimated":null,"""
        + "\"accuracy\":null,\"ssim\":null,\"validationLoss\":null,"
        + "\"previewPsnr\":null,\"previewPsnrInput\":null,\"previewPsnrNonLocalMeans\":null,"
        + "\"imagesPerSecond\":100,\"seconds\":3,\"workers\":2,\"recomputedShards\":0,"
        + "\"stepMilliseconds\":null,\"waitMilliseconds\":null,\"sumMilliseconds\":null,"
        + "\"updateMilliseconds\":null,\"computeMilliseconds\":null,\"bytesInPerStep\":null,"
        + "\"bytesOutPerStep\":null,"
        + "\"weightsSha256\":\"ab\",\"run\":\"runs/x\",\"data\":null}",
        (Summary() with { Psnr = double.NegativeInfinity, PsnrMeanPerImage = null }).ToJson());

    [Fact]
    public void ToJson_TimesOfAStep_AreThere() => Assert.Contains(
        "\"stepMilliseconds\":320,\"waitMilliseconds\":310,\"sumMilliseconds\":2.5,\"updateMilliseconds\":1,"
        + "\"computeMilliseconds\":600,\"bytesInPerStep\":1500000,\"bytesOutPerStep\":1800000.5,",
        (Summary() with { Step = new StepMeans(320, 310, 2.5, 1, 600, 1_500_000, 1_800_000.5) }).ToJson(),
        StringComparison.Ordinal);

    [Fact]
    public void Read_LogWithoutTimes_HasZeros()
    {
        File.WriteAllText(LogPath, """{"step":1,"epoch":1,"loss":0.5,"lr":0.001,"workers":3}""" + "\n");
        StepMetrics metrics = Assert.Single(MetricsReader.Read(LogPath));
        Assert.Equal((0.0, 0.0, 0L), (metrics.WaitSeconds, metrics.ComputeSeconds, metrics.BytesIn));
    }

    [Fact]
    public void Render_HostileText_IsEscapedAndNothingComesFromOutside()
    {
        JsonObject configuration = JsonNode.Parse("""{"data":"<script>alert(1)</script>","a":{"b":1}}""")!.AsObject();
        ReportPicture picture = new("\"><img src=http://evil>", [0x89, 0x50]);

        string html = ReportWriter.Render(new("<b>&", Summary(), configuration, [Step(1), Step(2)], [picture]));

        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img src=http", html, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", html, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;&amp;", html, StringComparison.Ordinal);
        Assert.Contains("src=\"data:image/png;base64,iVA=\"", html, StringComparison.Ordinal);
        Assert.Contains("<td>a.b</td><td>1</td>", html, StringComparison.Ordinal);
        Assert.Contains("<polyline", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_NoHistoryOrOneFlatPoint_StillDraws()
    {
        string empty = ReportWriter.Render(new("r", Summary(), [], [], []));
        string flat = ReportWriter.Render(new("r", Summary(), [], [Step(1) with { Loss = 0 }], []));

        Assert.Contains("No values", empty, StringComparison.Ordinal);
        Assert.Contains("<circle", flat, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", flat, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_LongRun_StaysSmall()
    {
        string html = ReportWriter.Render(new(
            "r", Summary(), [], [.. Enumerable.Range(1, 200_000).Select(step => Step(step) with { Psnr = step })], []));

        Assert.InRange(html.Length, 0, 200_000);
    }

    private static StepMetrics Step(long step) =>
        new(step, 1, 0.5, 0.001, 10, 2, 3, 4, null, 0.25, 0.002, 0.001, 0.5, 1_500_000, 1_800_000);

    private static RunSummary Summary() => new(12, 1.5, 0.25, 25.5, 25.75, null, null, 100, 3, 2, 0, "ab", "runs/x");

    private void WriteLog(long lastStep, params StepMetrics[] steps)
    {
        using MetricsLog log = new(LogPath, lastStep, TimeProvider.System);
        foreach (StepMetrics step in steps)
        {
            log.Append(step);
        }
    }

    /// <summary>Splits an event file into the data of its records, and checks both checksums of each.</summary>
    private static List<byte[]> Records(byte[] file)
    {
        List<byte[]> records = [];
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            byte[] data = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            records.Add(data);
            at += 16 + length;
        }

        return records;
    }

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        uint crc = Crc32C(bytes);
        return unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
    }

    /// <summary>Bit by bit, with the reflected polynomial.</summary>
    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78u);
            }
        }

        return ~crc;
    }
}
