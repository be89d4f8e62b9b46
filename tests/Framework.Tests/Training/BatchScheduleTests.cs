using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

public sealed class BatchScheduleTests
{
    [Theory]
    [InlineData(10, 4, 2)]
    [InlineData(10, 5, 2)]
    [InlineData(7, 100, 3)]
    [InlineData(1, 1, 1)]
    [InlineData(33, 8, 100)]
    [InlineData(12, 6, 4)]
    public void Steps_AnySizes_CoverEveryEpochOnceInOrder(int samples, int batch, int shard)
    {
        BatchSchedule schedule = BatchSchedule.ForEpochs(samples, batch, shard, epochs: 3);
        List<(int Epoch, int Sample)> seen = [];
        for (int step = 0; step < schedule.StepsTotal; step++)
        {
            BatchSlice slice = schedule.At(step);
            Assert.InRange(slice.Count, 1, batch);
            Assert.InRange(slice.ShardCount, 1, schedule.ShardCountMax);
            int before = seen.Count;
            for (int i = 0; i < slice.ShardCount; i++)
            {
                SampleSpan span = schedule.ShardSamples(slice, i);
                Assert.InRange(span.Count, 1, shard);
                seen.AddRange(Enumerable.Range(span.First, span.Count).Select(sample => (slice.Epoch, sample)));
            }

            Assert.Equal(slice.Count, seen.Count - before);
            Assert.Equal((slice.Epoch, slice.First), seen[before]);
            Assert.Equal(schedule.EndsEpoch(step + 1), seen[^1].Sample == samples - 1);
        }

        Assert.Equal(
            Enumerable.Range(0, 3).SelectMany(epoch => Enumerable.Range(0, samples).Select(i => (epoch, i))), seen);
    }

    [Fact]
    public void ForSteps_EndsInMidEpoch()
    {
        BatchSchedule schedule = BatchSchedule.ForSteps(samples: 10, batch: 4, shard: 2, steps: 5);
        Assert.Equal(5, schedule.StepsTotal);
        Assert.Equal(3, schedule.StepsPerEpoch);
        Assert.Equal(new BatchSlice(Epoch: 0, First: 8, Count: 2, ShardCount: 1), schedule.At(2));
        Assert.Equal(new BatchSlice(Epoch: 1, First: 4, Count: 4, ShardCount: 2), schedule.At(4));
        Assert.False(schedule.EndsEpoch(0));
    }

    [Fact]
    public void Impossible_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchSchedule.ForSteps(0, 1, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchSchedule.ForSteps(1, 0, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchSchedule.ForSteps(1, 1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchSchedule.ForEpochs(1 << 30, 1, 1, 2));
    }
}
