using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>
/// The final weights have stored bits: those that the engine before Akka.NET gave, at commit c056d79, or since images
/// of a pass share bands of tiles (the course's model).
/// </summary>
/// <remarks>
/// Hashes depend on neither workers, threads, vector width nor machine: whoever has to change one has changed what
/// training computes. Most batches are several units of work, and the last one of an epoch is short.
/// </remarks>
public sealed class StoredHashesTests
{
    [Theory]
    [InlineData(
        "ed1018f5fea4126e0822caaf923e2fda134d0983395141902d31d334eddc929a",
        "--limit 64 --batch 32 --steps 4 --workers 1")]
    [InlineData(
        "9d12cfecbd44f06feab99fa9bd2507b41b74e1d7c1c7ac4c88f8bd41a9cc33b9",
        "--limit 53 --batch 23 --steps 7 --optimizer sgd --lr 0.1 --workers 5")]
    [InlineData(
        "b5fad84aca89cf815392e66c01c26664482fcd37983683a60bc6e2b955e2a8af",
        "--limit 47 --batch 20 --steps 7 --data train.pkl --augment --workers 3")]
    public Task InitialModel_EveryConfiguration_EndsWithTheStoredBits(string sha, string options) =>
        CheckImagesAsync(sha, "n2n-initial", options);

    [Theory]
    [InlineData(
        "c69c597709badab06efca3b1aec5bf6b7d059a99ea6faaccb43fe443c8ec3fa5",
        "--limit 27 --batch 12 --steps 5 --optimizer sgd --lr 0.1 --momentum 0.9 --weight-decay 0.0001 "
        + "--workers 2")]
    [InlineData(
        "d5355603da230763b92e9d277cc0e7bdf2c4a362466e58df5b5b710cecd083cf",
        "--limit 21 --batch 16 --steps 5 --data train.pkl --augment --optimizer adamw --weight-decay 0.02 "
        + "--schedule cosine --warmup 2 --workers 1 --threads 2")]
    public Task FinalModel_EveryConfiguration_EndsWithTheStoredBits(string sha, string options) =>
        CheckImagesAsync(sha, "n2n-final", options);

    [Theory]
    [InlineData(
        "fc8550e33369b2c4890acd1b297c54ea384e2ac4d214af7faa9c5267fb46734b",
        "--limit 17 --batch 7 --steps 4 --data train.pkl --workers 5")]
    [InlineData(
        "ecc00fd85a80f7444cff8fc9611aee86bc185ad9e9a6a5522fed525c79893129",
        "--limit 10 --batch 6 --steps 4 --optimizer sgd --lr 0.05 --nesterov --momentum 0.8 --workers 2")]
    public Task UNet_EveryConfiguration_EndsWithTheStoredBits(string sha, string options) =>
        CheckImagesAsync(sha, "n2n-unet", options);

    [Theory]
    [InlineData(
        "5dd2a7833d795c344674fff1cec24f2c6ab5f92c954f4cd8378a7170d494bdea",
        "--limit 101 --batch 44 --steps 8 --noise poisson:30 --loss l1 --schedule step:3:0.5 --warmup 3 "
        + "--workers 3")]
    [InlineData(
        "c962033f7a09caf37309ee30601dc6e7f4991aeb18fed68aaa095c64ed185c4b",
        "--limit 33 --batch 16 --steps 6 --data train.pkl --crop 24 --augment --optimizer sgd --lr 0.1 "
        + "--workers 2 --threads 2")]
    public Task CourseModel_EveryConfiguration_EndsWithTheStoredBits(string sha, string options) =>
        CheckImagesAsync(sha, "n2n-course", options);

    [Theory]
    [InlineData(
        "dc01cb845911a8fd7885c8f6fe8c387a7929dc19245c4dada383a74ed3fa2d69",
        "--limit 260 --batch 25 --epochs 3 --optimizer sgd --lr 0.1 --workers 1")]
    [InlineData(
        "ab5fc7cff9b9d436db284b7a9964f753ff59930cda5a20934e5b565b5c5c1da3",
        "--limit 260 --batch 110 --steps 40 --workers 3")]
    [InlineData(
        "41775b2607dfdcea89a68651cc09fbdea02e6180f20f3277894cfaef638db268",
        "--limit 500 --batch 80 --steps 30 --loss cross-entropy --optimizer sgd --lr 0.05 --momentum 0.9 "
        + "--weight-decay 0.001 --schedule rampdown --warmup 5 --workers 1 --threads 2")]
    public async Task Perceptron_EveryConfiguration_EndsWithTheStoredBits(string sha, string options)
    {
        using TestFolder folder = new();
        await CheckAsync(sha, folder, $"--model mlp-disc --data disc {options}");
    }

    [Theory]
    [InlineData("871f4c2face2cd9c0449adf43697b901082c159040cfa61b8b45c83557b9356c", "adam")]
    [InlineData("3f06774085d4ae1085a8414bdecb2b46e961e8dcf382475498f54621364d7420", "sgd --momentum 0.9 --lr 0.05")]
    public async Task Train_StoppedInMidEpochAndResumed_EndsWithTheStoredBits(string sha, string optimizer)
    {
        using TestFolder folder = CreateFolder();
        await TrainAsync(
            folder,
            "--model n2n-initial --data train.pkl --validation val.pkl --limit 47 --batch 20 --augment --steps 4 "
            + $"--optimizer {optimizer} --workers 2 --run run");
        await CheckAsync(sha, folder, "--run run --resume --steps 8 --workers 3");
    }

    private static async Task CheckImagesAsync(string sha, string model, string options)
    {
        using TestFolder folder = CreateFolder();
        await CheckAsync(sha, folder, $"--model {model} --validation val.pkl {options}");
    }

    private static async Task CheckAsync(string sha, TestFolder folder, string options)
    {
        string actual = await TrainAsync(folder, options);
        Assert.True(sha == actual, $"{options}: {actual}, not {sha}");
    }

    private static TestFolder CreateFolder()
    {
        TestFolder folder = new();
        PairFile.Write(folder["train.pkl"], 50);
        PairFile.Write(folder["val.pkl"], 4);
        return folder;
    }

    private static async Task<string> TrainAsync(TestFolder folder, string options)
    {
        string[] words = [.. options.Split(' ').Select(word => IsInFolder(word) ? folder[word] : word)];
        return Runs.Sha(await InProcess.RunAsync(folder, ["train", "--json", .. words]));
    }

    private static bool IsInFolder(string word) => word is "train.pkl" or "val.pkl" or "run";
}
