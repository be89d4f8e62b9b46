using Distributed.Framework.Data;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

DataOptions data = new() { Noise = "gaussian:25", Limit = 1000 };
Network network = Network.Create("n2n-initial:channels=16");
network.Train(DataSources.OpenTraining(data), new NetworkTraining { Epochs = 3, Batch = 20 });
Evaluation result = network.Evaluate(DataSources.OpenValidation(data)!);
Console.WriteLine($"{result.Psnr:F2} dB; the noisy images have {result.InputPsnr:F2} dB");
network.Save("denoiser.safetensors");

Network loaded = Network.Create("n2n-initial:channels=16");
loaded.Load("denoiser.safetensors");
Tensor denoised = loaded.Predict(new Tensor(3, 100, 75));
Console.WriteLine(denoised);
