#include "sap.h"

#include <criterion/criterion.h>

Test(sap, kinds_of_instances)
{
    static const struct {
        const char *name;
        enum audit_instance_kind kind;
    } rows[] = {
        {"D00", INSTANCE_ABAP},      {"DVEBMGS01", INSTANCE_ABAP},     {"ASCS02", INSTANCE_CENTRAL},
        {"SCS03", INSTANCE_CENTRAL}, {"ERS10", INSTANCE_CENTRAL},      {"J04", INSTANCE_JAVA},
        {"JC05", INSTANCE_JAVA},     {"W20", INSTANCE_WEBDISP},        {"HDB00", INSTANCE_HANA},
        {"G00", INSTANCE_OTHER},     {"D0", INSTANCE_OTHER},           {"D000", INSTANCE_OTHER},
        {"Dxx", INSTANCE_OTHER},     {"SMDA97", INSTANCE_OTHER},       {"", INSTANCE_OTHER},
        {NULL, INSTANCE_OTHER},      {"hostctrl", INSTANCE_HOSTAGENT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(sap_instance_kind(rows[i].name), rows[i].kind, "%s", rows[i].name ? rows[i].name : "NULL");
}

Test(sap, roles_of_files)
{
    static const struct {
        const char *file, *role;
    } rows[] = {
        {"SAPSSLC.pse", "SSL client (Standard)"},
        {"SAPSSLA.pse", "SSL client (Anonymous)"},
        {"SAPSSLS.pse", "SSL server (Standard)"},
        {"SAPSSLS_44300.pse", "SSL server (44300)"},
        {"SAPSSLSUPP.pse", "SSL client (SUPP)"},
        {"SAPSSLWEB.pse", "SSL client (WEB)"},
        {"sapsslsupp.PSE", "SSL client (supp)"},
        {"D:\\usr\\sap\\PRD\\D00\\sec\\SAPSSLA.PSE", "SSL client (Anonymous)"},
        {"/usr/sap/PRD/D00/sec/SAPSSLS.pse", "SSL server (Standard)"},
        {"SAPSSLS_.pse", "SSL client (S_)"},
        {"sapsrv.pse", "HANA server"},
        {"SAPSYS.pse", "System PSE"},
        {"SAPSNCS.pse", "SNC"},
        {"SAPVERIFY_BTP.pse", "Verification"},
        {"local.pse", "SAProuter SNC"},
        {"SAPSSL.pse", NULL},
        {"custom.pse", NULL},
        {"SAPSSLC", NULL},
        {".pse", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *role = sap_pse_role(rows[i].file);
        cr_expect_eq(g_strcmp0(role, rows[i].role), 0, "%s: %s", rows[i].file, role ? role : "NULL");
    }
}

Test(sap, nodes_of_strust)
{
    static const struct {
        const char *path, *node;
    } rows[] = {
        {"/usr/sap/PRD/D00/sec/SAPSSLC.pse", "SSL client (Standard)"},
        {"D:\\usr\\sap\\PRD\\D00\\sec\\SAPSSLA.PSE", "SSL client (Anonymous)"},
        {"/usr/sap/PRD/D00/sec/SAPSSLBANK.pse", "SSL client (BANK)"},
        {"/usr/sap/HDB/HDB00/db01/sec/sapsrv.pse", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *node = sap_pse_node(rows[i].path);
        cr_expect_eq(g_strcmp0(node, rows[i].node), 0, "%s: %s", rows[i].path, node ? node : "NULL");
    }
}

Test(sap, sides_and_siblings)
{
    static const struct {
        const char *file;
        enum sap_side side;
        const char *sibling;
        gboolean tls, anonymous;
    } rows[] = {
        {"SAPSSLC.pse", SAP_SIDE_CLIENT, "SAPSSLA.pse", TRUE, FALSE},
        {"sec\\sapssla.pse", SAP_SIDE_CLIENT, "SAPSSLC.pse", TRUE, TRUE},
        {"SAPSSLS.pse", SAP_SIDE_SERVER, NULL, TRUE, FALSE},
        {"SAPSSLS_44300.pse", SAP_SIDE_SERVER, NULL, TRUE, FALSE},
        {"SAPSSLBANK.pse", SAP_SIDE_CLIENT, NULL, TRUE, FALSE},
        {"SAPVERIFY_BTP.pse", SAP_SIDE_OTHER, NULL, FALSE, TRUE},
        {"SAPSNCS.pse", SAP_SIDE_OTHER, NULL, FALSE, FALSE},
        {"sapcli.pse", SAP_SIDE_CLIENT, NULL, FALSE, FALSE},
        {"custom.pse", SAP_SIDE_UNKNOWN, NULL, FALSE, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_expect_eq(sap_pse_side(rows[i].file), rows[i].side, "%s", rows[i].file);
        cr_expect_eq(g_strcmp0(sap_pse_sibling(rows[i].file), rows[i].sibling), 0, "%s", rows[i].file);
        cr_expect_eq(sap_pse_is_tls(rows[i].file), rows[i].tls, "%s", rows[i].file);
        cr_expect_eq(sap_pse_is_anonymous(rows[i].file), rows[i].anonymous, "%s", rows[i].file);
    }
}

Test(sap, keepers)
{
    static const struct {
        const char *path;
        enum sap_keeper keeper;
    } rows[] = {
        {"/usr/sap/PRD/D00/sec/SAPSSLC.pse", SAP_KEEPER_STRUST},
        {"D:\\usr\\sap\\PRD\\DVEBMGS00\\sec\\SAPSSLC.pse", SAP_KEEPER_STRUST},
        {"/usr/sap/WEB/W20/sec/SAPSSLC.pse", SAP_KEEPER_FILE},
        {"/usr/sap/HDB/HDB00/sec/sapsrv.pse", SAP_KEEPER_FILE},
        {"/usr/sap/PRD/J00/sec/SAPSSLC.pse", SAP_KEEPER_UNKNOWN},
        {"/usr/sap/PRD/D00/other/SAPSSLC.pse", SAP_KEEPER_UNKNOWN},
        {"SAPSSLC.pse", SAP_KEEPER_UNKNOWN},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(sap_keeper(rows[i].path), rows[i].keeper, "%s", rows[i].path);
}
