using System.Globalization;
using Distributed.Deploy.Tests.Harness;

namespace Distributed.Deploy.Tests;

/// <summary>
/// Goal: the manifests agree with each other and with the programs. No cluster is at hand, so nothing is applied.
/// </summary>
public sealed class KubernetesTests
{
    private const string Folder = "deploy/kubernetes";
    private const string Component = "app.kubernetes.io/component";

    private static readonly IReadOnlyList<Yaml> s_documents = [.. Directory
        .EnumerateFiles(Repository.PathOf(Folder), "*.yaml")
        .Order(StringComparer.Ordinal)
        .SelectMany(path => Yaml.Load($"{Folder}/{Path.GetFileName(path)}"))];

    private static readonly Yaml s_kustomization = Find("Kustomization");
    private static readonly Yaml s_set = Find("StatefulSet");
    private static readonly Yaml s_deployment = Find("Deployment");
    private static readonly Yaml s_service = Find("Service");
    private static readonly Yaml s_coordinator = Container(s_set);
    private static readonly Yaml s_worker = Container(s_deployment);
    private static readonly ProgramLine s_train = Line(s_coordinator);
    private static readonly ProgramLine s_join = Line(s_worker);

    [Fact]
    public void Kustomization_NamesEveryFile()
    {
        string[] files = [.. Directory.EnumerateFiles(Repository.PathOf(Folder), "*.yaml")
            .Select(path => Path.GetFileName(path)!).Where(name => name != "kustomization.yaml").Order()];
        Assert.Equal(files, s_kustomization["resources"].Texts.Order());
        Assert.Equal(s_kustomization["images"].Items.Single()["name"].Text, s_coordinator["image"].Text);
        Assert.Equal(s_coordinator["image"].Text, s_worker["image"].Text);
    }

    [Fact]
    public async Task Arguments_AreTakenByThePrograms()
    {
        await Expand(s_train).AssertIsTakenAsync();
        await Expand(s_join).AssertIsTakenAsync();
    }

    [Fact]
    public void Ports_Agree()
    {
        int train = s_train.Port("--listen");
        int http = s_train.Port("--http");
        Assert.Equal(train, s_train.Port("--advertise"));
        Assert.Equal(train, Port(s_coordinator, "train"));
        Assert.Equal(http, Port(s_coordinator, "https"));
        Assert.Equal(2, s_service["spec"]["ports"].Items.Count());
        Assert.All(s_service["spec"]["ports"].Items, port =>
        {
            Assert.Equal(port["name"].Text, port["targetPort"].Text);
            Assert.Equal(port["port"].Number, Port(s_coordinator, port["name"].Text));
        });
        Assert.All(s_join["--join"].Split(','), address => Assert.Equal(train, ProgramLine.PortOf(address)));
        Assert.Equal(s_join.Port("--listen"), s_join.Port("--advertise"));
        Assert.Equal(s_join.Port("--listen"), Port(s_worker, "worker"));
        Assert.All(["startupProbe", "livenessProbe", "readinessProbe"], name =>
        {
            Yaml get = s_coordinator[name]["httpGet"];
            Assert.Equal(("/healthz", "https", "HTTPS"), (get["path"].Text, get["port"].Text, get["scheme"].Text));
        });
    }

    /// <summary>Workers join each coordinator's pod by its name in the headless service.</summary>
    [Fact]
    public void Names_Agree()
    {
        string service = Name(s_service);
        Assert.Equal("None", s_service["spec"]["clusterIP"].Text);
        Assert.Equal("true", s_service["spec"]["publishNotReadyAddresses"].Text);
        Assert.Equal(service, s_set["spec"]["serviceName"].Text);
        string[] pods = [.. Enumerable.Range(0, s_set["spec"]["replicas"].Number)
            .Select(i => $"{Name(s_set)}-{i}.{service}")];
        Assert.Equal(pods, s_join["--join"].Split(',').Select(address => address[..address.LastIndexOf(':')]));
    }

    [Fact]
    public void Selectors_FindPods()
    {
        string[] components = [Label(s_set), Label(s_deployment)];
        Assert.All([s_set, s_deployment], workload => Assert.Equal(
            Label(workload), workload["spec"]["selector"]["matchLabels"][Component].Text));
        Assert.Equal(Label(s_set), s_service["spec"]["selector"][Component].Text);
        Assert.Equal(
            Label(s_set),
            Find("PodDisruptionBudget")["spec"]["selector"]["matchLabels"][Component].Text);
        foreach (Yaml policy in s_documents.Where(IsKind("NetworkPolicy")))
        {
            Yaml[] peers = [.. policy["spec"]["ingress"].Items.SelectMany(rule => rule["from"].Items),
                .. policy["spec"]["egress"].Items.SelectMany(rule => rule["to"].Items)];
            Assert.All(
                peers.Select(peer => peer["podSelector"]).Append(policy["spec"]["podSelector"])
                    .Where(selector => selector.IsThere),
                selector => Assert.Contains(selector["matchLabels"][Component].Text, components));
        }
    }

    /// <summary>Goal: what has to reach what may. Method: each port that a program dials is let out and in.</summary>
    [Fact]
    public void NetworkPolicies_LetThroughWhatIsDialled()
    {
        int train = s_train.Port("--listen");
        int worker = s_join.Port("--listen");
        (string From, string To, int Port)[] dialled =
        [
            (Label(s_deployment), Label(s_set), train),
            (Label(s_set), Label(s_set), train),
            (Label(s_set), Label(s_deployment), worker),
            (Label(s_deployment), Label(s_deployment), worker),
        ];
        Assert.All(dialled, way =>
        {
            Assert.True(Allows(way.To, "ingress", "from", way.From, way.Port), $"{way} is not let in");
            Assert.True(Allows(way.From, "egress", "to", way.To, way.Port), $"{way} is not let out");
        });
        Assert.Contains(
            s_documents.Where(IsKind("NetworkPolicy")).SelectMany(policy => policy["spec"]["ingress"].Items),
            rule => rule["ports"].Items.Any(port => port["port"].Number == s_train.Port("--http")));
    }

    /// <summary>Workers get the join token and nothing else; all files are those that the program makes.</summary>
    [Fact]
    public async Task Secrets_AreThoseThatTheProgramMakes()
    {
        using TestFolder folder = new();
        ProgramResult made = await Shell.RunAsync(folder.Folder, Shell.Coordinator, "secrets", "secrets");
        Assert.True(made.ExitCode == 0, made.ToString());
        Dictionary<string, string[]> secrets = s_kustomization["secretGenerator"].Items.ToDictionary(
            secret => secret["name"].Text, secret => secret["files"].Texts.Order().ToArray());
        string own = SecretOf(s_set, s_train["--secrets"]);
        Assert.Equal(
            Directory.EnumerateFiles(folder["secrets"]).Select(path => $"secrets/{Path.GetFileName(path)}").Order(),
            secrets[own]);
        string token = s_join["--token-file"];
        Assert.Equal(
            [$"secrets/{Path.GetFileName(token)}"],
            secrets[SecretOf(s_deployment, Path.GetDirectoryName(token)!)]);
    }

    [Fact]
    public void Mounts_HaveTheirVolumes()
    {
        Assert.All([s_set, s_deployment], workload =>
        {
            string[] volumes = [.. Pod(workload)["volumes"].Items.Select(volume => volume["name"].Text).Order()];
            Assert.Equal(
                volumes, Container(workload)["volumeMounts"].Items.Select(mount => mount["name"].Text).Order());
        });
        Yaml runs = s_coordinator["volumeMounts"].Items.Single(mount => mount["name"].Text == "runs");
        Assert.StartsWith(runs["mountPath"].Text + "/", s_train["--run"], StringComparison.Ordinal);
        Yaml claim = Find("PersistentVolumeClaim");
        Assert.Equal(
            Name(claim),
            Volume(s_set, "runs")["persistentVolumeClaim"]["claimName"].Text);
        Assert.Equal(["ReadWriteMany"], claim["spec"]["accessModes"].Texts);
        Yaml cache = s_worker["env"].Items.Single(variable => variable["name"].Text == "DISTRIBUTED_CACHE");
        Assert.Contains(
            s_worker["volumeMounts"].Items, mount => mount["mountPath"].Text == cache["value"].Text);
    }

    [Fact]
    public void Pods_MayDoLittle()
    {
        string user = Repository.Lines("deploy/container/Dockerfile")
            .Single(line => line.StartsWith("USER ", StringComparison.Ordinal))[5..];
        Assert.All([s_set, s_deployment], workload =>
        {
            Yaml pod = Pod(workload)["securityContext"];
            Assert.Equal(user, $"{pod["runAsUser"].Text}:{pod["runAsGroup"].Text}");
            Assert.Equal("true", pod["runAsNonRoot"].Text);
            Yaml container = Container(workload)["securityContext"];
            Assert.Equal("true", container["readOnlyRootFilesystem"].Text);
            Assert.Equal("false", container["allowPrivilegeEscalation"].Text);
            Assert.Equal(["ALL"], container["capabilities"]["drop"].Texts);
            Assert.True(Container(workload)["resources"]["limits"]["memory"].IsThere);
        });
    }

    /// <summary>
    /// Goal: a pod that is to go works on for a while, and then has the time that its program may take to leave.
    /// Method: that time is the units', whose programs get the same signal; the hook is a program of the image.
    /// </summary>
    [Fact]
    public void Pods_WorkOn_AndHaveTheTimeToDrain()
    {
        Assert.StartsWith("FROM debian:", Repository.Lines("deploy/container/Dockerfile")
            .Single(line => line.StartsWith("FROM ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.All(
            new (Yaml Workload, string Unit)[]
            {
                (s_set, "distributed-coordinator.service"),
                (s_deployment, "distributed-worker@.service"),
            },
            pair =>
            {
                string[] hook = [.. Container(pair.Workload)["lifecycle"]["preStop"]["exec"]["command"].Texts];
                Assert.Equal("sleep", hook[0]);
                int before = int.Parse(hook[1], CultureInfo.InvariantCulture);
                string drain = Repository.Lines($"deploy/systemd/{pair.Unit}")
                    .Single(line => line.StartsWith("TimeoutStopSec=", StringComparison.Ordinal))[15..].TrimEnd('s');
                Assert.InRange(before, 1, 30);
                Assert.InRange(
                    Pod(pair.Workload)["terminationGracePeriodSeconds"].Number,
                    before + int.Parse(drain, CultureInfo.InvariantCulture),
                    300);
            });
    }

    /// <summary>What would be applied can be made of the files, if the tool is there.</summary>
    [FactWith(Need.Kubectl)]
    public async Task Kustomize_RendersThem()
    {
        using TestFolder folder = new();
        ProgramResult result = await Shell.BashAsync(
            folder.Folder,
            $"cp -r {Repository.PathOf(Folder)}/. . && {Shell.Coordinator} secrets secrets > log "
            + "&& kubectl kustomize .");
        Assert.True(result.ExitCode == 0, result.ToString());
        IReadOnlyList<Yaml> rendered = Yaml.Parse(result.Output, "kustomize");
        Assert.Equal(
            s_documents.Count - 1 + s_kustomization["secretGenerator"].Items.Count(), rendered.Count);
        Assert.All(rendered, document => Assert.Equal(
            s_kustomization["namespace"].Text, document["metadata"]["namespace"].Text));
    }

    private static Func<Yaml, bool> IsKind(string kind) => document => document["kind"].Text == kind;

    private static Yaml Find(string kind) => s_documents.Single(IsKind(kind));

    private static string Name(Yaml document) => document["metadata"]["name"].Text;

    private static Yaml Pod(Yaml workload) => workload["spec"]["template"]["spec"];

    private static Yaml Container(Yaml workload) => Pod(workload)["containers"].Items.Single();

    private static string Label(Yaml workload) => workload["spec"]["template"]["metadata"]["labels"][Component].Text;

    private static Yaml Volume(Yaml workload, string name) =>
        Pod(workload)["volumes"].Items.Single(volume => volume["name"].Text == name);

    private static int Port(Yaml container, string name) => container["ports"].Items
        .Single(port => port["name"].Text == name)["containerPort"].Number;

    private static ProgramLine Line(Yaml container) =>
        ProgramLine.Of([.. container["command"].Texts, .. container["args"].Texts]);

    private static ProgramLine Expand(ProgramLine line) =>
        line.With(("$(POD_IP)", "192.0.2.10"), ("$(POD_NAME)", "worker-0"));

    /// <summary>The secret that is mounted at a path.</summary>
    private static string SecretOf(Yaml workload, string path)
    {
        Yaml mount = Container(workload)["volumeMounts"].Items.Single(mount => mount["mountPath"].Text == path);
        return Volume(workload, mount["name"].Text)["secret"]["secretName"].Text;
    }

    private static bool Allows(string own, string direction, string side, string other, int port) => s_documents
        .Where(IsKind("NetworkPolicy"))
        .Where(policy => policy["spec"]["podSelector"]["matchLabels"][Component].Text == own)
        .SelectMany(policy => policy["spec"][direction].Items)
        .Any(rule => rule["ports"].Items.Any(item => item["port"].Number == port)
            && rule[side].Items.Any(peer => peer["podSelector"].IsThere
                && peer["podSelector"]["matchLabels"][Component].Text == other));
}
