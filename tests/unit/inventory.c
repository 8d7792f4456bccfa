/* inventory/: what Ansible would understand, and clear words for what we do not. */
#include "inventory.h"

#include "error.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

static struct inventory *parse(const char *text, GError **error)
{
    /* Of exactly this size, so that ASan sees one byte more. */
    size_t size = strlen(text);
    g_autofree char *copy = g_memdup2(text, size);
    return inventory_parse("hosts", copy, size, error);
}

/* One host in a line: name, what is not the default, groups. */
static void describe(GString *out, const struct inventory_host *host)
{
    g_string_append(out, host->name);
    if (strcmp(host->address, host->name) != 0)
        g_string_append_printf(out, " at %s", host->address);
    if (host->port != 22)
        g_string_append_printf(out, ":%u", host->port);
    if (host->user)
        g_string_append_printf(out, " user %s", host->user);
    if (host->key_file)
        g_string_append_printf(out, " key %s", host->key_file);
    if (host->connection == INVENTORY_LOCAL)
        g_string_append(out, " local");
    if (host->connection == INVENTORY_OTHER)
        g_string_append_printf(out, " by %s", host->plugin);
    if (host->become)
        g_string_append(out, " become");
    if (host->trust_local_users)
        g_string_append(out, " trusted");
    if (host->probe)
        g_string_append_printf(out, " probe %s", host->probe);
    if (strcmp(host->sap_root, "/usr/sap") != 0)
        g_string_append_printf(out, " root %s", host->sap_root);
    if (host->tier)
        g_string_append_printf(out, " tier %s", host->tier);
    if (host->owner)
        g_string_append_printf(out, " owner %s", host->owner);
    for (guint i = 0; i < host->groups->len; i++)
        g_string_append_printf(out, "%s%s", i ? "," : " in ", (char *)host->groups->pdata[i]);
    g_string_append(out, "\n");
}

static char *describe_all(const struct inventory *inventory)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < inventory->hosts->len; i++)
        describe(out, inventory->hosts->pdata[i]);
    return g_string_free(out, FALSE);
}

static const struct {
    const char *what, *text, *hosts;
} good[] = {
    {"one host", "app01", "app01\n"},
    {"line ends of Windows", "app01\r\n\r\n[prd]\r\napp02\r\n", "app01\napp02 in prd\n"},
    {"byte order mark", "\xef\xbb\xbf[prd]\napp01\n", "app01 in prd\n"},
    {"blanks and tabs", " \t app01 \t sap_tier=x\t\n", "app01 tier x\n"},
    {"comments", "# one\n; two\n  # three\napp01 # four\n[g] # five\napp02 sap_tier=a #six\n",
     "app01\napp02 tier a in g\n"},
    {"a comment may be of any encoding", "# M\xfcnchen\napp01\n", "app01\n"},
    {"only # begins a comment behind text", "app01 sap_tier=a;b\n", "app01 tier a;b\n"},
    {"and even in a word, as in Ansible", "app01 sap_tier=a#b sap_owner=c\n", "app01 tier a\n"},
    {"but not in quotes", "app01 sap_tier=\"a #b\" sap_owner=c\n", "app01 tier a #b owner c\n"},
    {"order of the file", "b\na\n[g]\nc\na\n", "b\na in g\nc in g\n"},
    {"a host of several groups", "[g2]\na sap_tier=x\n[g1]\na sap_owner=y\n", "a tier x owner y in g1,g2\n"},
    {"a later line of a host overrides", "[g2]\na sap_tier=x\n[g1]\na sap_tier=y\n", "a tier y in g1,g2\n"},
    {"a host twice in one group", "[g]\na\na\n", "a in g\n"},
    {"a group twice", "[g]\na\n[h]\nb\n[g]\nc\n", "a in g\nb in h\nc in g\n"},
    {"no groups called all and ungrouped", "[all]\na\n[ungrouped]\nb\n[g]\nb\n", "a\nb in g\n"},
    /* Variables. */
    {"address and port", "a ansible_host=192.0.2.1 ansible_port=2222\n", "a at 192.0.2.1:2222\n"},
    {"old names", "a ansible_ssh_host=b ansible_ssh_port=1 ansible_ssh_user=c ansible_private_key_file=/k\n",
     "a at b:1 user c key /k\n"},
    {"old names win, as in Ansible", "a ansible_ssh_host=old ansible_host=new\n", "a at old\n"},
    {"ports at both ends", "a ansible_port=1\nb ansible_port=65535\n", "a:1\nb:65535\n"},
    {"user and key", "a ansible_user=audit ansible_ssh_private_key_file=/etc/key\n", "a user audit key /etc/key\n"},
    {"key in the home folder", "a ansible_ssh_private_key_file=~/.ssh/audit\n", "a key /home/test/.ssh/audit\n"},
    {"a tilde elsewhere", "a ansible_ssh_private_key_file=~other/k\n", "a key ~other/k\n"},
    {"no key after all", "[all:vars]\nansible_ssh_private_key_file=/k\n[g]\na ansible_ssh_private_key_file=\n",
     "a in g\n"},
    {"local", "localhost ansible_connection=local\n", "localhost local\n"},
    {"connections that are ssh",
     "a ansible_connection=ssh\nb ansible_connection=smart\nc ansible_connection=paramiko\n", "a\nb\nc\n"},
    {"the same with their collections",
     "a ansible_connection=ansible.builtin.ssh\nb ansible_connection=ansible.netcommon.libssh\n"
     "c ansible_connection=ansible.builtin.paramiko_ssh\nd ansible_connection=ansible.builtin.local\n",
     "a\nb\nc\nd local\n"},
    {"a connection of another kind is its host's trouble",
     "a\n[win]\nb ansible_port=5986\nc ansible_connection=ssh\n[win:vars]\nansible_connection=winrm\n",
     "a\nb:5986 by winrm in win\nc in win\n"},
    {"other connections", "a ansible_connection=community.docker.docker\nb ansible_connection=SSH\n",
     "a by community.docker.docker\nb by SSH\n"},
    {"variables of others that look like ours",
     "a sap_sid=PRD sap_host=x sap_role=y sap_hana_sid=H sap_swpm_root=/r tier=z\n", "a\n"},
    {"become",
     "a ansible_become=true\nb ansible_become=YES\nc ansible_become=1\nd ansible_become=no\ne "
     "ansible_become=False\nf ansible_become=0\n",
     "a become\nb become\nc become\nd\ne\nf\n"},
    {"trusted users",
     "[g]\na\nb sap_trust_local_users=no\nc sap_trust_local_users=\"True\"\n[g:vars]\nsap_trust_local_users=true\n",
     "a trusted in g\nb in g\nc trusted in g\n"},
    {"an installed probe",
     "[g]\na\nb sap_probe=\nc "
     "sap_probe=/opt/x_1/trustgap-probe+2.0\n[g:vars]\nsap_probe=/usr/local/libexec/trustgap-probe\n",
     "a probe /usr/local/libexec/trustgap-probe in g\nb in g\nc probe /opt/x_1/trustgap-probe+2.0 in g\n"},
    {"root", "a sap_root=/sapmnt/root/\nb sap_root=/\nc sap_root=/a..b/..c\n",
     "a root /sapmnt/root\nb root /\nc root /a..b/..c\n"},
    {"several roots",
     "a sap_root=/usr/sap:/opt/sap/\nb sap_root=/usr/sap,/opt/sap,/usr/sap/\nc sap_root='/a, /b c :/d'\n",
     "a root /usr/sap:/opt/sap\nb root /usr/sap:/opt/sap\nc root /a:/b c:/d\n"},
    {"a list of roots",
     "a sap_root='[\"/usr/sap\", \"/opt/sap\"]'\nb sap_root=\"['/usr/sap','/a b']\"\nc sap_root='[/usr/sap]'\n[g]\nd\n"
     "[g:vars]\nsap_root=[\"/usr/sap\", \"/opt/sap\"]\n",
     "a root /usr/sap:/opt/sap\nb root /usr/sap:/a b\nc\nd root /usr/sap:/opt/sap in g\n"},
    {"unknown variables", "a foo=bar ansible_python_interpreter=/x ntp-server=y x.y=1 =z z='{{ q }}'\n", "a\n"},
    {"double quotes", "a sap_owner=\"Team \\\"SAP\\\" \\\\ \\n\"\n", "a owner Team \"SAP\" \\ \\n\n"},
    {"single quotes", "a sap_owner='Team \"SAP\" \\n'\n", "a owner Team \"SAP\" \\n\n"},
    {"quotes round all of it", "'a' \"sap_owner=Team A\"\n", "a owner Team A\n"},
    {"quotes in quotes, as in Ansible", "a sap_owner='\"Team A\"'\n", "a owner Team A\n"},
    {"backslash", "a sap_owner=Team\\ A\\\n", "a owner Team A\\\n"},
    {"value that ends with a colon", "a sap_owner=b:\n", "a owner b:\n"},
    {"value with =", "a sap_owner=b=c\n", "a owner b=c\n"},
    {"UTF-8", "m\xc3\xbcnchen01 sap_owner=K\xc3\xb6hler\n", "m\xc3\xbcnchen01 owner K\xc3\xb6hler\n"},
    /* Ports and addresses. */
    {"port behind the name", "a:2222\nb:1\nc:65535\n", "a:2222\nb:1\nc:65535\n"},
    {"a variable overrides it", "a:2222 ansible_port=23\n", "a:23\n"},
    {"it counts where the host is new, as in Ansible", "a\n[g]\na:2222\n", "a in g\n"},
    {"IPv4", "192.0.2.1\n192.0.2.2:23\n", "192.0.2.1\n192.0.2.2:23\n"},
    {"IPv6", "2001:db8::1\n::1\n[2001:db8::3]:23\n", "2001:db8::1\n::1\n2001:db8::3:23\n"},
    /* Ranges. */
    {"numbers", "app[1:3]\n", "app1\napp2\napp3\n"},
    {"leading zeros", "app[08:11].example.com\n",
     "app08.example.com\napp09.example.com\napp10.example.com\napp11.example.com\n"},
    {"beginning with 0", "app[0:1]\napp[000:001]\n", "app0\napp1\napp000\napp001\n"},
    {"no beginning", "app[:2]\n", "app0\napp1\napp2\n"},
    {"more digits at the end", "app[9:10]\n", "app9\napp10\n"},
    {"only one", "app[7:7]\n", "app7\n"},
    {"letters", "app-[a:c]\n", "app-a\napp-b\napp-c\n"},
    {"letters in front", "[x:z]app\n", "xapp\nyapp\nzapp\n"},
    {"from small to capital letters", "app-[y:B]\n", "app-y\napp-z\napp-A\napp-B\n"},
    {"step", "app[0:10:4]\nb[a:e:2]\n", "app0\napp4\napp8\nba\nbc\nbe\n"},
    {"a step larger than the range", "app[0:10:9223372036854775807]\n", "app0\n"},
    {"several", "[a:b]-[1:2]x\n", "a-1x\na-2x\nb-1x\nb-2x\n"},
    {"with port and variables", "app[1:2]:23 sap_tier=x\n", "app1:23 tier x\napp2:23 tier x\n"},
    {"in an IPv6 address", "2001:db8::[1:2]\n", "2001:db8::1\n2001:db8::2\n"},
    {"only a range, with port", "[1:2]:23\n", "1:23\n2:23\n"},
    /* Precedence. */
    {"all < group < host", "[g]\na\nb sap_tier=host\n[g:vars]\nsap_tier=group\n[all:vars]\nsap_tier=all\n[h]\nc\n",
     "a tier group in g\nb tier host in g\nc tier all in h\n"},
    {"parent < child",
     "[child]\na\n[parent:children]\nchild\n[parent:vars]\nsap_tier=p\nsap_owner=p\n[child:vars]\nsap_tier=c\n",
     "a tier c owner p in child,parent\n"},
    {"a child counts more, whatever its name", "[a]\nh\n[z:children]\na\n[z:vars]\nsap_tier=z\n[a:vars]\nsap_tier=a\n",
     "h tier a in a,z\n"},
    {"same depth: by name, the later wins", "[b]\nh\n[a]\nh\n[a:vars]\nsap_tier=a\n[b:vars]\nsap_tier=b\n",
     "h tier b in a,b\n"},
    {"same depth: or by priority",
     "[b]\nh\n[a]\nh\n[a:vars]\nsap_tier=a\nansible_group_priority=10\n[b:vars]\nsap_tier=b\n", "h tier a in a,b\n"},
    {"depth is the longest way",
     "[x]\nh\n[y]\nh\n[p:children]\nx\n[q:children]\np\n[r:children]\nx\ny\n"
     "[x:vars]\nsap_tier=x\n[y:vars]\nsap_tier=y\n",
     "h tier x in p,q,r,x,y\n"},
    {"two ways to one group", "[x]\nh\n[l:children]\nx\n[r:children]\nx\nx\n[top:children]\nl\nr\n",
     "h in l,r,top,x\n"},
    {"variables of ungrouped hosts", "a\n[g]\nb\n[ungrouped:vars]\nsap_tier=u\n", "a tier u\nb in g\n"},
    {"vars before the group", "[g:vars]\nsap_tier=x\n[g]\na\n", "a tier x in g\n"},
    {"a host in a parent of its own", "[p]\na\n[c]\na\n[p:children]\nc\n", "a in c,p\n"},
    {"children of all", "[g]\na\n[all:children]\ng\n", "a in g\n"},
    {"a group without hosts", "a\n[g]\n[h:children]\ng\n", "a\n"},
    {"vars: blanks, quotes, comments",
     "[g]\na\n[g:vars]\n sap_tier = \"x y\" # why\nsap_owner=it's # no comment\n"
     "ansible_port=23 # a comment\nansible_become=True# and this\n",
     "a:23 become tier x y owner it's # no comment in g\n"},
    {"vars: escapes", "[g]\na\n[g:vars]\nsap_owner='it\\'s \\\\ \\n'\nsap_tier='a' 'b'\n",
     "a tier 'a' 'b' owner it's \\ \\n in g\n"},
    {"vars: a quote that does not end is text", "[g]\na\n[g:vars]\nsap_owner='x\nsap_tier='x\\\n",
     "a tier 'x\\ owner 'x in g\n"},
    {"empty value", "[all:vars]\nsap_tier=x\n[g]\na sap_tier=\n", "a in g\n"},
};

Test(inventory, understood)
{
    g_setenv("HOME", "/home/test", TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(inventory_auto) inventory = parse(good[i].text, &error);
        cr_expect_not_null(inventory, "%s: %s", good[i].what, error ? error->message : "");
        if (!inventory)
            continue;
        g_autofree char *hosts = describe_all(inventory);
        cr_expect_str_eq(hosts, good[i].hosts, "%s: %s", good[i].what, hosts);
    }
}

static const struct {
    const char *what, *text, *message;
    int code;
} bad[] = {
    {"empty", "", "hosts: there is no host in it", TRUSTGAP_ERROR_SYNTAX},
    {"only comments", "# a\n\n", "hosts: there is no host in it", TRUSTGAP_ERROR_SYNTAX},
    {"groups without hosts", "[a]\n[b:children]\na\n", "hosts: there is no host in it", TRUSTGAP_ERROR_SYNTAX},
    {"a user before the name", "a\nsapadm@app01\n",
     "hosts:2: \"sapadm@app01\": a host name has no user in it; the user goes in ansible_user", TRUSTGAP_ERROR_SYNTAX},
    {"a user before the address", "a ansible_host=u@192.0.2.1\n",
     "hosts:1: \"ansible_host=u@192.0.2.1\": must be a host name or an address; the user goes in ansible_user",
     TRUSTGAP_ERROR_SYNTAX},
    {"YAML", "# hosts\nall:\n  hosts:\n", "hosts: this looks like YAML; give an inventory in INI form",
     TRUSTGAP_ERROR_SYNTAX},
    {"YAML with a mark", "---\nall:\n", "hosts: this looks like YAML; give an inventory in INI form",
     TRUSTGAP_ERROR_SYNTAX},
    {"YAML list", "- a\n- b\n", "hosts: this looks like YAML; give an inventory in INI form", TRUSTGAP_ERROR_SYNTAX},
    {"JSON", " {\"all\": {}}\n", "hosts: this looks like JSON; give an inventory in INI form", TRUSTGAP_ERROR_SYNTAX},
    {"script", "#!/bin/sh\necho\n", "hosts: a program; inventory scripts are not run, give an inventory in INI form",
     TRUSTGAP_ERROR_SYNTAX},
    {"UTF-16", "\xff\xfe[", "hosts: a text in UTF-16; save it as UTF-8", TRUSTGAP_ERROR_SYNTAX},
    {"Latin-1", "a\nm\xfcnchen\n", "hosts:2: \"m\\xfcnchen\": not UTF-8", TRUSTGAP_ERROR_SYNTAX},
    {"gzip", "\x1f\x8b\x08\xff", "hosts:1: \"\\x1f\\x8b\\x08\\xff\": not UTF-8", TRUSTGAP_ERROR_SYNTAX},
    {"terminal escape", "\033[2J\n", "hosts:1: \"\\x1b[2J\": the range has no end: \"]\" is missing",
     TRUSTGAP_ERROR_SYNTAX},
    {"terminal escape in a name", "a\033b\n", "hosts:1: \"\\x1b\": not in the name of a host", TRUSTGAP_ERROR_SYNTAX},
    {"no-break space", "a\xc2\xa0\n", "hosts:1: \"\xc2\xa0\": not in the name of a host", TRUSTGAP_ERROR_SYNTAX},
    {"right-to-left override", "a\xe2\x80\xae\n", "hosts:1: \"\\u{202e}\": not in the name of a host",
     TRUSTGAP_ERROR_SYNTAX},
    {"markup", "a\n<b>\n", "hosts:2: \"<\": not in the name of a host", TRUSTGAP_ERROR_SYNTAX},
    {"option", "-oProxyCommand=x\n",
     "hosts:1: \"-oProxyCommand=x\": a variable where a host should be; is a [group:vars] "
     "missing above?",
     TRUSTGAP_ERROR_SYNTAX},
    {"name with a dash in front", "-x\n", "hosts:1: \"-x\": the name of a host does not begin with \"-\"",
     TRUSTGAP_ERROR_SYNTAX},
    {"no name", "''\n", "hosts:1: \"\": a host without a name", TRUSTGAP_ERROR_SYNTAX},
    {"long text in a message",
     "a 0123456789012345678901234567890123456789012345678901234567890123456789012345678\xc3\xa4x\n",
     "hosts:1: \"0123456789012345678901234567890123456789012345678901234567890123456789012345678...\": only variables "
     "(name=value) stand behind a host",
     TRUSTGAP_ERROR_SYNTAX},
    /* Lines. */
    {"no variable", "a b\n", "hosts:1: \"b\": only variables (name=value) stand behind a host", TRUSTGAP_ERROR_SYNTAX},
    {"open quote", "a sap_owner=\"x\n", "hosts:1: \"a sap_owner=\"x\": a quote (\") is not closed",
     TRUSTGAP_ERROR_SYNTAX},
    {"open single quote", "\na sap_owner='x\n", "hosts:2: \"a sap_owner='x\": a quote (') is not closed",
     TRUSTGAP_ERROR_SYNTAX},
    {"open section", "a\n[g\n", "hosts:2: \"[g\": the section has no end: \"]\" is missing", TRUSTGAP_ERROR_SYNTAX},
    {"text behind a section", "[g] x\n", "hosts:1: \"[g] x\": something stands behind the section",
     TRUSTGAP_ERROR_SYNTAX},
    {"other section", "[g:hosts]\n", "hosts:1: \"[g:hosts]\": a section is [group], [group:children] or [group:vars]",
     TRUSTGAP_ERROR_SYNTAX},
    {"a range alone is a section to Ansible too", "[1:3]\n",
     "hosts:1: \"[1:3]\": a section is [group], [group:children] or [group:vars]", TRUSTGAP_ERROR_SYNTAX},
    {"section without a name", "[]\n", "hosts:1: \"\": not the name of a group", TRUSTGAP_ERROR_SYNTAX},
    {"section with a blank", "[a b]\n", "hosts:1: \"a b\": not the name of a group", TRUSTGAP_ERROR_SYNTAX},
    {"section with a sign", "[!a]\n", "hosts:1: \"!a\": not the name of a group", TRUSTGAP_ERROR_SYNTAX},
    {"section with a name of the list", "[_meta]\n", "hosts:1: \"_meta\": not the name of a group",
     TRUSTGAP_ERROR_SYNTAX},
    {"vars without =", "[g]\na\n[g:vars]\nx\n", "hosts:4: \"x\": only variables (name=value) stand in [...:vars]",
     TRUSTGAP_ERROR_SYNTAX},
    {"children with variables", "[g]\na\n[h:children]\ng sap_tier=x\n",
     "hosts:4: \"g sap_tier=x\": only the name of a group stands on a line of [...:children]", TRUSTGAP_ERROR_SYNTAX},
    {"child with a bad name", "[h:children]\na,b\n", "hosts:2: \"a,b\": not the name of a group",
     TRUSTGAP_ERROR_SYNTAX},
    /* Groups. */
    {"unknown child", "[g]\na\n[h:children]\n# here\nprod\n", "hosts:5: no such group \"prod\"", TRUSTGAP_ERROR_SYNTAX},
    {"vars of an unknown group", "a\n[prod:vars]\nx=y\n", "hosts:2: no such group \"prod\"", TRUSTGAP_ERROR_SYNTAX},
    {"its own child", "[g]\na\n[g:children]\ng\n", "hosts:4: groups contain each other: g > g", TRUSTGAP_ERROR_SYNTAX},
    {"circle of three, and one below it",
     "[d]\nh\n[a:children]\nb\n[b:children]\nc\n[c:children]\na\nd\n[e:children]\na\n",
     "hosts:4: groups contain each other: b > c > a > b", TRUSTGAP_ERROR_SYNTAX},
    {"all as a child", "[g:children]\nall\n", "hosts:2: \"all\": this group cannot be inside of another",
     TRUSTGAP_ERROR_SYNTAX},
    {"ungrouped as a child", "[g:children]\nungrouped\n",
     "hosts:2: \"ungrouped\": this group cannot be inside of another", TRUSTGAP_ERROR_SYNTAX},
    {"children of ungrouped", "[g]\na\n[ungrouped:children]\ng\n",
     "hosts:3: \"[ungrouped:children]\": this group has no children", TRUSTGAP_ERROR_SYNTAX},
    {"priority", "[g:vars]\nansible_group_priority=high\n",
     "hosts:2: \"ansible_group_priority=high\": must be a number", TRUSTGAP_ERROR_SYNTAX},
    /* Variables. */
    {"port 0", "a ansible_port=0\n", "hosts:1: \"ansible_port=0\": must be a port from 1 to 65535",
     TRUSTGAP_ERROR_SYNTAX},
    {"port 65536", "[g]\na\n[g:vars]\nansible_port=65536\n",
     "hosts:4: \"ansible_port=65536\": must be a port from 1 to 65535", TRUSTGAP_ERROR_SYNTAX},
    {"port ssh", "a ansible_port=ssh\n", "hosts:1: \"ansible_port=ssh\": must be a port from 1 to 65535",
     TRUSTGAP_ERROR_SYNTAX},
    {"checked even where it is overridden", "[g]\na ansible_port=1\n\n[g:vars]\nansible_port=x\n",
     "hosts:5: \"ansible_port=x\": must be a port from 1 to 65535", TRUSTGAP_ERROR_SYNTAX},
    {"connection", "a ansible_connection='win rm'\n",
     "hosts:1: \"ansible_connection=win rm\": must be the name of a connection plugin", TRUSTGAP_ERROR_SYNTAX},
    {"become", "a ansible_become=perhaps\n", "hosts:1: \"ansible_become=perhaps\": must be true or false",
     TRUSTGAP_ERROR_SYNTAX},
    {"trusted users", "a sap_trust_local_users=root\n",
     "hosts:1: \"sap_trust_local_users=root\": must be true or false", TRUSTGAP_ERROR_SYNTAX},
#define PROBE "must be the absolute path of a program, without \"..\" or special characters"
    {"a probe in the PATH", "a sap_probe=trustgap-probe\n", "hosts:1: \"sap_probe=trustgap-probe\": " PROBE,
     TRUSTGAP_ERROR_SYNTAX},
    {"a probe that is a folder", "a sap_probe=/opt/\n", "hosts:1: \"sap_probe=/opt/\": " PROBE, TRUSTGAP_ERROR_SYNTAX},
    {"a probe with a way up", "a sap_probe=/opt/../x\n", "hosts:1: \"sap_probe=/opt/../x\": " PROBE,
     TRUSTGAP_ERROR_SYNTAX},
    {"a probe with arguments", "a sap_probe='/opt/x -c y'\n", "hosts:1: \"sap_probe=/opt/x -c y\": " PROBE,
     TRUSTGAP_ERROR_SYNTAX},
    {"a probe for the shell", "a sap_probe='/opt/$x'\n", "hosts:1: \"sap_probe=/opt/$x\": " PROBE,
     TRUSTGAP_ERROR_SYNTAX},
    {"a probe misspelt", "a sap_prob=/opt/x\n", "hosts:1: unknown variable \"sap_prob\", did you mean \"sap_probe\"?",
     TRUSTGAP_ERROR_SYNTAX},
    {"relative root", "a sap_root=usr/sap\n",
     "hosts:1: \"sap_root=usr/sap\": must be an absolute path without \"..\", or several with colons between them",
     TRUSTGAP_ERROR_SYNTAX},
    {"root that goes up", "a sap_root=/usr/../sap\n",
     "hosts:1: \"sap_root=/usr/../sap\": must be an absolute path without \"..\", or several with colons between them",
     TRUSTGAP_ERROR_SYNTAX},
    {"one of two roots is empty", "a sap_root=/usr/sap:\n",
     "hosts:1: \"sap_root=/usr/sap:\": must be an absolute path without \"..\", or several with colons between them",
     TRUSTGAP_ERROR_SYNTAX},
    {"one of two roots is relative", "a sap_root=/usr/sap,sap\n",
     "hosts:1: \"sap_root=/usr/sap,sap\": must be an absolute path without \"..\", or several with colons between them",
     TRUSTGAP_ERROR_SYNTAX},
    {"a list without roots", "a sap_root=[]\n",
     "hosts:1: \"sap_root=[]\": must be an absolute path without \"..\", or several with colons between them",
     TRUSTGAP_ERROR_SYNTAX},
    {"a root with a colon", "a sap_root='[\"/usr:sap\"]'\n",
     "hosts:1: \"sap_root=[\"/usr:sap\"]\": must be an absolute path without \"..\", or several with colons between "
     "them",
     TRUSTGAP_ERROR_SYNTAX},
    {"empty root", "a sap_root=\n",
     "hosts:1: \"sap_root=\": must be an absolute path without \"..\", or several with colons between them",
     TRUSTGAP_ERROR_SYNTAX},
    {"empty address", "a ansible_host=\n",
     "hosts:1: \"ansible_host=\": must be a host name or an address; the user goes in ansible_user",
     TRUSTGAP_ERROR_SYNTAX},
    {"address that is an option", "a ansible_host=-oProxyCommand=x\n",
     "hosts:1: \"ansible_host=-oProxyCommand=x\": must be a host name or an address; the user goes in ansible_user",
     TRUSTGAP_ERROR_SYNTAX},
    {"address with a blank", "a ansible_host='b c'\n",
     "hosts:1: \"ansible_host=b c\": must be a host name or an address; the user goes in ansible_user",
     TRUSTGAP_ERROR_SYNTAX},
    {"user that is an option", "a ansible_user=-x\n", "hosts:1: \"ansible_user=-x\": must be the name of a user",
     TRUSTGAP_ERROR_SYNTAX},
    {"template", "a ansible_host='{{ inventory_hostname }}'\n",
     "hosts:1: \"ansible_host={{ inventory_hostname }}\": templates are not understood here", TRUSTGAP_ERROR_SYNTAX},
    {"terminal escape in a value", "a sap_owner=\033[2J\n",
     "hosts:1: \"sap_owner=\\x1b[2J\": the value has characters that cannot be shown", TRUSTGAP_ERROR_SYNTAX},
    /* Ports and ranges. */
    {"port 0 behind the name", "a:0\n", "hosts:1: \"0\": a port is a number from 1 to 65535", TRUSTGAP_ERROR_SYNTAX},
    {"port 65536 behind the name", "a:65536\n", "hosts:1: \"65536\": a port is a number from 1 to 65535",
     TRUSTGAP_ERROR_SYNTAX},
    {"no port behind the colon", "b\na:\n", "hosts:2: \"\": a port is a number from 1 to 65535", TRUSTGAP_ERROR_SYNTAX},
    {"port behind a bracketed address", "[::1]:x\n", "hosts:1: \"x\": a port is a number from 1 to 65535",
     TRUSTGAP_ERROR_SYNTAX},
    {"two colons", "a:b:22\n", "hosts:1: \"a:b:22\": neither an IPv6 address nor a host and a port",
     TRUSTGAP_ERROR_SYNTAX},
    {"range without an end", "app[01:\n", "hosts:1: \"app[01:\": the range has no end: \"]\" is missing",
     TRUSTGAP_ERROR_SYNTAX},
    {"second range without an end", "a[1:2]b[3:4\n", "hosts:1: \"b[3:4\": the range has no end: \"]\" is missing",
     TRUSTGAP_ERROR_SYNTAX},
    {"end without a range", "app]\n", "hosts:1: \"]\": not in the name of a host", TRUSTGAP_ERROR_SYNTAX},
    {"range of one", "app[1]\n", "hosts:1: \"1\": a range is [first:last] or [first:last:step]", TRUSTGAP_ERROR_SYNTAX},
    {"range of four", "app[1:2:3:4]\n", "hosts:1: \"1:2:3:4\": a range is [first:last] or [first:last:step]",
     TRUSTGAP_ERROR_SYNTAX},
    {"range to nothing", "app[1:]\n", "hosts:1: \"1:\": the ends of a range are two numbers or two letters",
     TRUSTGAP_ERROR_SYNTAX},
    {"range of both kinds", "app[1:b]\n", "hosts:1: \"1:b\": the ends of a range are two numbers or two letters",
     TRUSTGAP_ERROR_SYNTAX},
    {"range of words", "app[aa:bb]\n", "hosts:1: \"aa:bb\": the ends of a range are two numbers or two letters",
     TRUSTGAP_ERROR_SYNTAX},
    {"negative range", "app[-1:1]\n", "hosts:1: \"-1:1\": the ends of a range are two numbers or two letters",
     TRUSTGAP_ERROR_SYNTAX},
    {"reverse range", "app[20:10]\n", "hosts:1: \"20:10\": the range begins behind its end", TRUSTGAP_ERROR_SYNTAX},
    {"reverse letters", "app[c:a]\n", "hosts:1: \"c:a\": the range begins behind its end", TRUSTGAP_ERROR_SYNTAX},
    {"unequal zeros", "app[01:100]\n",
     "hosts:1: \"01:100\": the ends of a range with leading zeros have as many digits", TRUSTGAP_ERROR_SYNTAX},
    {"step 0", "app[1:2:0]\n", "hosts:1: \"1:2:0\": the step of a range is a number above 0", TRUSTGAP_ERROR_SYNTAX},
    {"step below", "app[1:2:-1]\n", "hosts:1: \"1:2:-1\": the step of a range is a number above 0",
     TRUSTGAP_ERROR_SYNTAX},
    {"huge range", "app[0:999999999]\n", "hosts:1: \"0:999999999\": more than 65536 hosts in one range",
     TRUSTGAP_ERROR_LIMIT},
    {"larger than any number", "app[0:99999999999999999999]\n",
     "hosts:1: \"0:99999999999999999999\": the ends of a range are two numbers or two letters", TRUSTGAP_ERROR_SYNTAX},
    {"one more than allowed", "app[0:65536]\n", "hosts:1: \"0:65536\": more than 65536 hosts in one range",
     TRUSTGAP_ERROR_LIMIT},
    {"ranges that multiply", "app[0:65535][0:65535][0:65535]\n",
     "hosts:1: \"app010\": more than 65536 hosts on one line", TRUSTGAP_ERROR_LIMIT},
};

Test(inventory, ours_misspelt)
{
    static const struct {
        const char *written, *meant;
    } rows[] = {
        {"sap_teir", "sap_tier"},  {"sap_tire", "sap_tier"},  {"sap_tir", "sap_tier"},   {"sap_tiers", "sap_tier"},
        {"SAP_TIER", "sap_tier"},  {"sap-tier", "sap_tier"},  {"saptier", "sap_tier"},   {"sap_owenr", "sap_owner"},
        {"sap_owne", "sap_owner"}, {"sap_roots", "sap_root"}, {"sap__root", "sap_root"}, {"Sap_Root", "sap_root"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int in_vars = 0; in_vars < 2; in_vars++) {
            g_autoptr(GError) error = NULL;
            g_autofree char *text = in_vars ? g_strdup_printf("a\n[all:vars]\n%s=x\n", rows[i].written)
                                            : g_strdup_printf("\n\na ansible_port=1 %s=x\n", rows[i].written);
            g_autofree char *message = g_strdup_printf("hosts:3: unknown variable \"%s\", did you mean \"%s\"?",
                                                       rows[i].written, rows[i].meant);
            cr_assert_null(parse(text, &error), "%s", rows[i].written);
            cr_expect_str_eq(error->message, message);
            cr_expect_eq(error->code, TRUSTGAP_ERROR_SYNTAX);
        }
    }
}

/* What is warned of, without the reasons; one in a line. */
static char *warnings_of(const struct inventory *inventory)
{
    g_autoptr(GPtrArray) warnings = inventory_warnings(inventory);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < warnings->len; i++) {
        const char *warning = warnings->pdata[i];
        const char *end = strstr(warning, "): ");
        g_string_append_len(text, warning, end ? end - warning + 1 : (gssize)strlen(warning));
        g_string_append_c(text, '\n');
        cr_expect_null(strstr(warning, "s3cret"), "%s", warning);
    }
    return g_string_free(text, FALSE);
}

Test(inventory, variables_that_are_not_followed)
{
    static const struct {
        const char *what, *text, *limit, *warnings;
    } rows[] = {
        {"nothing", "a ansible_user=u ansible_become=true ansible_python_interpreter=/x\n", NULL, ""},
        {"a jump host",
         "[g]\na\nb\n[g:vars]\nansible_ssh_common_args='-o ProxyJump=s3cret'\n[h]\nc ansible_ssh_common_args=-v\n",
         NULL, "hosts:5: ansible_ssh_common_args is ignored (3 hosts)\n"},
        {"several",
         "a ansible_ssh_extra_args=-v ansible_password=s3cret\nb ansible_ssh_pass=s3cret "
         "ansible_ssh_executable=/x/ssh\n",
         NULL,
         "hosts:1: ansible_ssh_extra_args is ignored (1 host)\nhosts:1: ansible_password is ignored (1 "
         "host)\n"
         "hosts:2: ansible_ssh_pass is ignored (1 host)\nhosts:2: ansible_ssh_executable is ignored (1 "
         "host)\n"},
        {"becoming somebody",
         "a ansible_become=true ansible_become_user=root ansible_become_method=su ansible_become_password=s3cret\n",
         NULL,
         "hosts:1: ansible_become_user is ignored (1 host)\nhosts:1: ansible_become_method is ignored (1 "
         "host)\n"
         "hosts:1: ansible_become_password is ignored (1 host)\n"},
        {"nobody is become", "a ansible_become_user=root\nb ansible_become_pass=s3cret ansible_become=no\n", NULL, ""},
        {"values that change nothing",
         "a ansible_become=1 ansible_become_method=sudo ansible_host_key_checking=True ansible_ssh_common_args=''\n",
         NULL, ""},
        {"host keys", "a ansible_host_key_checking=false\n", NULL,
         "hosts:1: ansible_host_key_checking is ignored (1 host)\n"},
        {"undone for one", "[all:vars]\nansible_ssh_args=-v\n[g]\na ansible_ssh_args=\nb\n", NULL,
         "hosts:2: ansible_ssh_args is ignored (1 host)\n"},
        {"undone for all", "[all:vars]\nansible_ssh_args=-v\n[g]\na\n[g:vars]\nansible_ssh_args=\n", NULL, ""},
        {"about what is said, and not about the login",
         "a ansible_ssh_pipelining=1 ansible_ssh_transfer_method=scp ansible_ssh_retries=3 "
         "ansible_ssh_control_path_dir=/x "
         "ansible_ssh_host_key_rsa_public=x\n",
         NULL, ""},
        {"one that no table has", "a ansible_ssh_new_invention=x\n", NULL,
         "hosts:1: ansible_ssh_new_invention is ignored (1 host)\n"},
        {"hosts that cannot be collected", "a\nb ansible_connection=winrm ansible_password=s3cret\n", NULL, ""},
        {"this machine", "a ansible_connection=local ansible_ssh_args=-v\n", NULL, ""},
        {"hosts that are left out", "a\nb ansible_ssh_args=-v\n", "a", ""},
        {"and those that are not", "a\nb ansible_ssh_args=-v\n", "b",
         "hosts:2: ansible_ssh_args is ignored (1 host)\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(inventory_auto) inventory = parse(rows[i].text, &error);
        cr_assert_not_null(inventory, "%s: %s", rows[i].what, error ? error->message : "");
        cr_assert(!rows[i].limit || inventory_limit(inventory, rows[i].limit, NULL));
        g_autofree char *warnings = warnings_of(inventory);
        cr_expect_str_eq(warnings, rows[i].warnings, "%s: %s", rows[i].what, warnings);
    }
}

Test(inventory, more_variables_than_are_warned_of)
{
    g_autoptr(GString) text = g_string_new("a");
    for (int i = 0; i < 100; i++)
        g_string_append_printf(text, " ansible_ssh_new_%d=x", i);
    g_autoptr(inventory_auto) inventory = parse(text->str, NULL);
    g_autoptr(GPtrArray) warnings = inventory_warnings(inventory);
    cr_expect_eq(warnings->len, 64);
}

Test(inventory, variables_in_files_beside)
{
    static const struct {
        const char *path, *text;
    } files[] = {
        {"hosts", "[prod]\napp01\napp02.example.com\n[windows]\nbo01\n"},
        {"group_vars/all", "ntp_server: x\n# ansible_become: true\n"},
        {"group_vars/prod.yml", "---\nansible_user: sapaudit\n'ansible_port' : 2222\nnested:\n  sap_tier: x\n"},
        {"group_vars/windows/main.yaml", "ansible_connection: winrm\nansible_port: 5986\nansible_password: s3cret\n"},
        {"group_vars/windows/notes.txt", "ansible_become: true\n"},
        {"group_vars/windows/more/plain", "ansible_winrm_transport: ntlm\n"},
        {"group_vars/nobody.yml", "ansible_become: true\n"},
        {"group_vars/prod.yml~", "ansible_become: true\n"},
        {"host_vars/app01.json", "{\"ansible_host\": \"192.0.2.1\", \"ansible_ssh_port\": 1}"},
        {"host_vars/app02.example.com", "ansible_host: 192.0.2.20\n"},
        {"host_vars/bo01.yml", "$ANSIBLE_VAULT;1.1;AES256\n3334\n"},
    };
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder, files[i].path, NULL), *around = g_path_get_dirname(path);
        cr_assert_eq(g_mkdir_with_parents(around, 0700), 0);
        cr_assert(g_file_set_contents(path, files[i].text, -1, NULL));
    }
    cr_assert_eq(chdir(folder), 0);
    g_autoptr(inventory_auto) inventory = inventory_load("hosts", NULL), some = inventory_load("./hosts", NULL);
    g_autofree char *warnings = warnings_of(inventory);
    cr_assert(inventory_limit(some, "app02.example.com", NULL));
    g_autofree char *fewer = warnings_of(some);
    static const char no_effect[] = "has no effect because group_vars and host_vars are not read; set it in hosts\n";
    g_autofree char *expected = g_strconcat(
        "./group_vars/windows/main.yaml: ansible_connection ", no_effect,
        "./host_vars/app01.json, ./host_vars/app02.example.com: ansible_host ", no_effect,
        "./group_vars/windows/main.yaml: ansible_password has no effect because group_vars and host_vars are not read; "
        "trustgap logs in with a key or the ssh-agent, never with a password\n"
        "./group_vars/prod.yml, ./group_vars/windows/main.yaml: ansible_port ",
        no_effect, "./host_vars/app01.json: ansible_ssh_port ", no_effect, "./group_vars/prod.yml: ansible_user ",
        no_effect, "./group_vars/prod.yml: sap_tier ", no_effect,
        "./host_vars/bo01.yml: group_vars and host_vars are not read; whether this changes the login is unknown (it is "
        "encrypted, too large or not readable)\n",
        NULL);
    cr_expect_str_eq(warnings, expected, "%s", warnings);
    cr_expect_null(strstr(fewer, "windows"), "%s", fewer);
    cr_expect_null(strstr(fewer, "app01"), "%s", fewer);
    cr_expect_not_null(strstr(fewer, "app02.example.com: ansible_host"), "%s", fewer);
    g_autofree char *command = g_strdup_printf("/bin/rm -r '%s'", folder);
    cr_expect(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
}

Test(inventory, refused)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(inventory_auto) inventory = parse(bad[i].text, &error);
        cr_expect_null(inventory, "%s", bad[i].what);
        cr_assert_not_null(error, "%s", bad[i].what);
        cr_expect_str_eq(error->message, bad[i].message, "%s: %s", bad[i].what, error->message);
        cr_expect_eq(error->code, bad[i].code, "%s", bad[i].what);
    }
}

/* Whether an inventory is accepted, and if not that it is for a limit. */
static gboolean accepts(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(inventory_auto) inventory = parse(text, &error);
    cr_expect(inventory || error->code == TRUSTGAP_ERROR_LIMIT || error->code == TRUSTGAP_ERROR_SYNTAX);
    cr_expect(inventory || strlen(error->message) < 1000, "messages stay readable");
    return inventory != NULL;
}

Test(inventory, limits_at_both_edges)
{
    for (int over = 0; over < 2; over++) {
        g_autofree char *name = g_strnfill((gsize)(INVENTORY_NAME_BYTES + over), 'x');
        cr_expect_eq(accepts(name), !over, "name");
        g_autofree char *group = g_strdup_printf("[%s]\na\n", name);
        cr_expect_eq(accepts(group), !over, "group name");
        g_autofree char *address = g_strdup_printf("a ansible_host=%s\n", name);
        cr_expect_eq(accepts(address), !over, "address");
        g_autofree char *almost = g_strnfill((gsize)(INVENTORY_NAME_BYTES - 2 + over), 'x');
        g_autofree char *range = g_strdup_printf("%s[10:11]\n", almost);
        cr_expect_eq(accepts(range), !over, "name of a range");
        g_autofree char *owner = g_strnfill((gsize)(INVENTORY_VALUE_BYTES + over), 'x');
        g_autofree char *owned = g_strdup_printf("a sap_owner=%s\n", owner);
        cr_expect_eq(accepts(owned), !over, "value");
        g_autofree char *hosts = g_strdup_printf("a[1:%d]\nb[1:%d]\n", INVENTORY_RANGE_HOSTS,
                                                 INVENTORY_HOSTS - INVENTORY_RANGE_HOSTS + over);
        cr_expect_eq(accepts(hosts), !over, "hosts");

        GString *mentions = g_string_new(NULL);
        for (int i = 0; i < 20; i++)
            g_string_append_printf(mentions, "a[1:%d]\n", INVENTORY_MENTIONS / 20 + (over && i == 0));
        cr_expect_eq(accepts(mentions->str), !over, "mentions");
        g_string_free(mentions, TRUE);

        GString *groups = g_string_new("a\n"); /* all and ungrouped are there already */
        for (int i = 0; i < INVENTORY_GROUPS - 2 + over; i++)
            g_string_append_printf(groups, "[g%d]\n", i);
        cr_expect_eq(accepts(groups->str), !over, "groups");
        g_string_free(groups, TRUE);

        GString *deep = g_string_new("[g1]\na\n"); /* g1 is the lowest level */
        for (int i = 2; i <= INVENTORY_DEPTH + over; i++)
            g_string_append_printf(deep, "[g%d:children]\ng%d\n", i, i - 1);
        cr_expect_eq(accepts(deep->str), !over, "depth");
        g_string_free(deep, TRUE);
    }
}

Test(inventory, file_limit)
{
    g_autofree char *text = g_strnfill(INVENTORY_FILE_BYTES + 1, '#');
    text[0] = 'a';
    text[1] = '\n';
    g_autoptr(inventory_auto) whole = inventory_parse("hosts", text, INVENTORY_FILE_BYTES, NULL);
    cr_expect_not_null(whole);
    g_autoptr(GError) error = NULL;
    cr_expect_null(inventory_parse("hosts", text, INVENTORY_FILE_BYTES + 1, &error));
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_LIMIT);
}

Test(inventory, long_lines)
{
    static const char *const fills[] = {"x", "[0:0]", "\"", "\\", "a=b ", "[", "]", ":"};
    static const struct {
        const char *front, *accepted; /* by fill: + or - */
    } rows[] = {
        {"", "--------"},
        {"a ", "----+---"},
        {"a sap_owner=", "--+-+---"},
        {"a x=", "++++++++"}, /* somebody else's variables may be long */
        {"[", "--------"},
        {"b\n# ", "++++++++"},
        {"app[", "--------"},
        {"[g]\na\n[g:vars]\n", "----+---"},
        {"a:", "--------"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(fills); j++) {
            GString *text = g_string_new(rows[i].front);
            for (size_t length = 0; length < 100000; length += strlen(fills[j]))
                g_string_append(text, fills[j]);
            cr_expect_eq(accepts(text->str), rows[i].accepted[j] == '+', "%s and %s", rows[i].front, fills[j]);
            g_string_free(text, TRUE);
        }
    }
}

/* The time must not grow with the square of the hosts. */
Test(inventory, many_hosts_in_one_group)
{
    g_autofree char *text = g_strdup_printf("[g]\na[1:%d]\nb[1:%d]\na[1:%d]\n[h:children]\ng\n", INVENTORY_RANGE_HOSTS,
                                            INVENTORY_HOSTS - INVENTORY_RANGE_HOSTS, INVENTORY_RANGE_HOSTS);
    g_autoptr(inventory_auto) inventory = parse(text, NULL);
    cr_assert_not_null(inventory);
    cr_assert_eq(inventory->hosts->len, INVENTORY_HOSTS);
    cr_assert(inventory_limit(inventory, "h,!a*", NULL));
    cr_expect_eq(inventory->hosts->len, INVENTORY_HOSTS - INVENTORY_RANGE_HOSTS);
}

Test(inventory, circle_of_long_names_gives_a_short_message)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < 100; i++)
        g_string_append_printf(text, "[%0200d:children]\n%0200d\n", i, (i + 1) % 100);
    g_autoptr(GError) error = NULL;
    cr_expect_null(parse(text->str, &error));
    cr_assert_not_null(error);
    cr_expect(g_str_has_prefix(error->message, "hosts:2: groups contain each other: ... > 0000"));
    cr_expect_lt(strlen(error->message), 1000);
    g_string_free(text, TRUE);
}

Test(inventory, bytes_that_are_no_text)
{
    static const char nul[] = "a\0b\n";
    g_autoptr(GError) error = NULL;
    cr_expect_null(inventory_parse("hosts", nul, sizeof nul - 1, &error));
    cr_assert_not_null(error);
    cr_expect_str_eq(error->message, "hosts: a binary file, not an inventory");
    g_clear_error(&error);
    cr_expect_null(inventory_parse("hosts", NULL, 0, &error));
    cr_assert_not_null(error);
}

static const char rich[] = "# a landscape\n"
                           "jump.example.com:2222 ansible_user=audit\n"
                           "[abap]\n"
                           "app[01:03].example.com sap_owner=\"Team \\\"A\\\"\" # three\n"
                           "db[a:c:2] ansible_host=192.0.2.7 ansible_become=yes\n"
                           "[2001:db8::1]:23 ansible_connection='smart'\n"
                           "[prod:children]\n"
                           "abap\n"
                           "; web comes later\n"
                           "web\n"
                           "[prod:vars]\n"
                           "sap_tier = production\n"
                           "sap_root=\"/usr/sap\" # as usual\n"
                           "[web]\n"
                           "localhost ansible_connection=local ansible_ssh_private_key_file=~/k\n"
                           "[all:vars]\n"
                           "ansible_port=22\n";

Test(inventory, any_damage_is_survived)
{
    size_t size = sizeof rich - 1;
    unsigned refused = 0, taken = 0;

    for (size_t cut = 0; cut <= size; cut++) {
        g_autofree char *copy = g_memdup2(rich, MAX(cut, 1));
        g_autoptr(GError) error = NULL;
        g_autoptr(inventory_auto) inventory = inventory_parse("hosts", copy, cut, &error);
        cr_expect_eq(inventory == NULL, error != NULL);
        refused += inventory == NULL;
        taken += inventory != NULL;
    }
    cr_expect_gt(refused, 50, "%u", refused);
    cr_expect_gt(taken, 50, "%u", taken);
    refused = taken = 0;
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            g_autofree char *copy = g_memdup2(rich, size);
            copy[at] = (char)(copy[at] ^ (1 << bit));
            g_autoptr(GError) error = NULL;
            g_autoptr(inventory_auto) inventory = inventory_parse("hosts", copy, size, &error);
            cr_expect_eq(inventory == NULL, error != NULL);
            cr_expect(!error || g_utf8_validate(error->message, -1, NULL));
            refused += inventory == NULL;
            taken += inventory != NULL;
        }
    }
    cr_expect_gt(refused, size, "%u", refused);
    cr_expect_gt(taken, size, "%u", taken);
}

static const struct {
    const char *what, *pattern;
    const char *hosts; /* or the message */
} limits[] = {
    {"a host", "app01.example.com", "app01.example.com"},
    {"two", "app01.example.com,dba", "app01.example.com dba"},
    {"with colons", "dba:app01.example.com", "app01.example.com dba"},
    {"blanks", " dba , dbc ", "dba dbc"},
    {"a group", "web", "localhost"},
    {"a group by its parent", "prod",
     "app01.example.com app02.example.com app03.example.com dba dbc 2001:db8::1 localhost"},
    {"all", "all",
     "jump.example.com app01.example.com app02.example.com app03.example.com dba dbc 2001:db8::1 localhost"},
    {"ungrouped", "ungrouped", "jump.example.com"},
    {"wildcard", "app*", "app01.example.com app02.example.com app03.example.com"},
    {"question mark", "db?", "dba dbc"},
    {"a set of letters", "db[a:b]", "dba"},
    {"group by a wildcard", "w*", "localhost"},
    {"a wildcard does not mean all", "a*", "app01.example.com app02.example.com app03.example.com dba dbc 2001:db8::1"},
    {"IPv6", "2001:db8::1", "2001:db8::1"},
    {"IPv6 taken away", "!2001:db8::1,db*,2*", "dba dbc"},
    {"not", "!prod", "jump.example.com"},
    {"not, in front", "!app02*:app*", "app01.example.com app03.example.com"},
    {"and", "prod:&db*", "dba dbc"},
    {"and, in front of what it narrows", "&db*,abap,!dbc", "dba"},
    {"empty parts", ",dba,,", "dba"},
    {"an unknown host", "dba,app99", "hosts: \"app99\": no such host or group, or a group without hosts"},
    {"an unknown host taken away", "all,!app99", "hosts: \"app99\": no such host or group, or a group without hosts"},
    {"nothing left", "dba,!db*", "hosts: \"dba,!db*\": this leaves no host"},
    {"nothing", "", "hosts: \"\": this leaves no host"},
    {"only separators", ":,", "hosts: \":\": no such host or group, or a group without hosts"},
    {"only a sign", "!", "hosts: \"\": no such host or group, or a group without hosts"},
    {"terminal escape", "\033", "hosts: \"\\x1b\": no such host or group, or a group without hosts"},
};

Test(inventory, limit)
{
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_autoptr(inventory_auto) inventory = parse(rich, NULL);
        g_autoptr(GError) error = NULL;
        g_autofree char *before = describe_all(inventory);
        guint all = inventory->hosts->len;
        gboolean ok = inventory_limit(inventory, limits[i].pattern, &error);
        if (!ok) {
            cr_expect_str_eq(error->message, limits[i].hosts, "%s: %s", limits[i].what, error->message);
            cr_expect_eq(error->code, TRUSTGAP_ERROR_USAGE);
            g_autofree char *after = describe_all(inventory);
            cr_expect_str_eq(before, after, "%s", limits[i].what);
            continue;
        }
        GString *names = g_string_new(NULL);
        for (guint j = 0; j < inventory->hosts->len; j++) {
            const struct inventory_host *host = inventory->hosts->pdata[j];
            g_string_append_printf(names, "%s%s", j ? " " : "", host->name);
        }
        cr_expect_str_eq(names->str, limits[i].hosts, "%s: %s", limits[i].what, names->str);
        for (guint j = 0; j < inventory->left_out->len; j++)
            g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", (char *)inventory->left_out->pdata[j]);
        cr_expect_eq(inventory->hosts->len + inventory->left_out->len, all, "%s: %s", limits[i].what, names->str);
        cr_expect_eq(inventory->limit != NULL, inventory->left_out->len > 0, "%s", limits[i].what);
        g_string_free(names, TRUE);
    }
}

static gboolean is_named(const struct inventory_host *host, void *context)
{
    return strcmp(host->name, context) == 0;
}

Test(inventory, keep)
{
    g_autoptr(inventory_auto) inventory = parse(rich, NULL);
    inventory_keep(inventory, is_named, (void *)"dba");
    cr_assert_eq(inventory->hosts->len, 1);
    inventory_keep(inventory, is_named, (void *)"nobody");
    cr_assert_eq(inventory->hosts->len, 0);
    g_autofree char *list = inventory_list(inventory);
    cr_expect_null(strstr(list, "dba"), "not in a group either");
}

Test(inventory, list)
{
    static const char text[] = "[b]\n"
                               "h2 ansible_host=192.0.2.2 ansible_port=23 ansible_user=u sap_tier=\"a \\\"b\\\"\" \n"
                               "h1 ansible_become=true ansible_connection=local\n"
                               "[a:children]\n"
                               "c\n"
                               "b\n"
                               "[c]\n"
                               "[d]\n"
                               "h1\n";
    static const char expected[] = "{\n"
                                   "    \"_meta\": {\n"
                                   "        \"hostvars\": {\n"
                                   "            \"h1\": {\n"
                                   "                \"ansible_become\": true,\n"
                                   "                \"ansible_connection\": \"local\",\n"
                                   "                \"ansible_host\": \"h1\",\n"
                                   "                \"ansible_port\": 22,\n"
                                   "                \"sap_root\": \"/usr/sap\"\n"
                                   "            },\n"
                                   "            \"h2\": {\n"
                                   "                \"ansible_become\": false,\n"
                                   "                \"ansible_connection\": \"ssh\",\n"
                                   "                \"ansible_host\": \"192.0.2.2\",\n"
                                   "                \"ansible_port\": 23,\n"
                                   "                \"ansible_user\": \"u\",\n"
                                   "                \"sap_root\": \"/usr/sap\",\n"
                                   "                \"sap_tier\": \"a \\\"b\\\"\"\n"
                                   "            }\n"
                                   "        }\n"
                                   "    },\n"
                                   "    \"a\": {\n"
                                   "        \"children\": [\n"
                                   "            \"b\",\n"
                                   "            \"c\"\n"
                                   "        ]\n"
                                   "    },\n"
                                   "    \"all\": {\n"
                                   "        \"children\": [\n"
                                   "            \"a\",\n"
                                   "            \"d\",\n"
                                   "            \"ungrouped\"\n"
                                   "        ]\n"
                                   "    },\n"
                                   "    \"b\": {\n"
                                   "        \"hosts\": [\n"
                                   "            \"h2\",\n"
                                   "            \"h1\"\n"
                                   "        ]\n"
                                   "    },\n"
                                   "    \"d\": {\n"
                                   "        \"hosts\": [\n"
                                   "            \"h1\"\n"
                                   "        ]\n"
                                   "    }\n"
                                   "}\n";
    g_autoptr(inventory_auto) inventory = parse(text, NULL);
    cr_assert_not_null(inventory);
    g_autofree char *list = inventory_list(inventory);
    cr_expect_str_eq(list, expected, "%s", list);
}

Test(inventory, list_of_the_rich_one_is_json)
{
    g_autoptr(inventory_auto) inventory = parse(rich, NULL);
    g_autofree char *list = inventory_list(inventory);
    json_t *json = json_loads(list, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(json);
    cr_expect_eq(json_object_size(json_object_get(json_object_get(json, "_meta"), "hostvars")), inventory->hosts->len);
    json_decref(json);
}

Test(inventory, load)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "hosts.ini", NULL);
    g_autoptr(GError) error = NULL;

    cr_expect_null(inventory_load(path, &error), "no such file");
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_MISSING);
    cr_expect(g_str_has_prefix(error->message, path), "%s", error->message);
    g_clear_error(&error);
    cr_expect_null(inventory_load(folder, &error), "a folder");
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_MISSING);
    g_clear_error(&error);
    cr_expect_null(inventory_load("/bin/sh", &error), "a program");
    cr_assert_not_null(error);
    cr_expect_str_eq(error->message, "/bin/sh: a binary file, not an inventory");
    g_clear_error(&error);
    cr_assert(g_file_set_contents(path, "", 0, NULL));
    cr_expect_null(inventory_load(path, &error), "an empty file");
    cr_assert_not_null(error);
    cr_expect(g_str_has_suffix(error->message, "hosts.ini: there is no host in it"), "%s", error->message);
    g_clear_error(&error);

    cr_assert(g_file_set_contents(path, "abc", 3, NULL));
    g_autoptr(inventory_auto) inventory = inventory_load(path, &error);
    cr_assert_not_null(inventory);
    cr_expect_str_eq(inventory->path, path);
    cr_expect_str_eq(inventory->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const struct inventory_host *host = inventory->hosts->pdata[0];
    cr_expect_eq(host->line, 1);
    g_unlink(path);
    g_rmdir(folder);
}

Test(inventory, from_standard_input)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "hosts.ini", NULL);
    g_autoptr(GError) error = NULL;

    cr_assert(g_file_set_contents(path, "\na b\n", -1, NULL));
    cr_assert_not_null(freopen(path, "r", stdin));
    cr_expect_null(inventory_load("-", &error));
    cr_assert_not_null(error);
    cr_expect(g_str_has_prefix(error->message, "standard input:2: "), "%s", error->message);
    g_unlink(path);
    g_rmdir(folder);
}

Test(inventory, lines_are_those_of_the_first_naming)
{
    g_autoptr(inventory_auto) inventory = parse("\n# x\na\n[g]\nb\na\n", NULL);
    const struct inventory_host *a = inventory->hosts->pdata[0], *b = inventory->hosts->pdata[1];
    cr_expect_eq(a->line, 3);
    cr_expect_eq(b->line, 5);
    inventory_free(NULL);
}
