BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v1.3.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	PRIMARY KEY (study_id), 
	CONSTRAINT studydirection CHECK (direction IN ('NOT_SET', 'MINIMIZE', 'MAXIMIZE'))
);
INSERT INTO "studies" VALUES(1,'mixed','MAXIMIZE');
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json VARCHAR(2048), 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json VARCHAR(2048), 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'author','"somebody"');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json VARCHAR(2048), 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'lr',4.65680463791956554368e-04,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(2,1,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(3,1,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(4,1,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(5,1,'layers',2.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(6,1,'units',2.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(7,1,'dropout',0.0,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(8,1,'momentum',9.14152088211098168279e-02,'{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 0.99}}');
INSERT INTO "trial_params" VALUES(9,2,'lr',5.55956542671256646794e-05,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(10,2,'kind',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(11,2,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(12,2,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(13,2,'layers',2.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(14,2,'units',7.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(15,2,'dropout',0.2,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(16,3,'lr',5.5065298979459905912e-03,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(17,3,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(18,3,'width',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(19,3,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(20,3,'layers',3.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(21,3,'units',42.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(22,3,'dropout',0.2,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(23,3,'momentum',4.26391581512861383984e-01,'{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 0.99}}');
INSERT INTO "trial_params" VALUES(24,4,'lr',5.70835741633358151325e-02,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(25,4,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(26,4,'width',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(27,4,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(28,4,'layers',2.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(29,4,'units',25.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(30,4,'dropout',0.0,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(31,5,'lr',1.18198018439690053643e-03,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(32,5,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(33,5,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(34,5,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(35,5,'layers',1.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(36,5,'units',28.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(37,5,'dropout',0.1,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(38,5,'momentum',5.86507692885478298938e-02,'{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 0.99}}');
INSERT INTO "trial_params" VALUES(39,6,'lr',4.80963545373376804431e-03,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(40,6,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(41,6,'width',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(42,6,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(43,6,'layers',2.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(44,6,'units',1.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(45,6,'dropout',0.1,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(46,7,'lr',3.70237616927734781535e-05,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(47,7,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(48,7,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(49,7,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(50,7,'layers',4.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(51,7,'units',19.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(52,7,'dropout',0.5,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(53,8,'lr',0.00983246971740868,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(54,8,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(55,8,'width',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(56,8,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(57,8,'layers',3.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(58,8,'units',1.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(59,8,'dropout',0.2,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(60,9,'lr',2.42487324530267098167e-05,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(61,9,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(62,9,'width',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(63,9,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(64,9,'layers',5.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(65,9,'units',6.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(66,9,'dropout',0.0,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(67,10,'lr',4.64991846920375304086e-02,'{"name": "LogUniformDistribution", "attributes": {"low": 1e-05, "high": 0.1}}');
INSERT INTO "trial_params" VALUES(68,10,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(69,10,'width',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(70,10,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(71,10,'layers',2.0,'{"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 5, "step": 1}}');
INSERT INTO "trial_params" VALUES(72,10,'units',10.0,'{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 64, "step": 1}}');
INSERT INTO "trial_params" VALUES(73,10,'dropout',0.5,'{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 0.5, "q": 0.1}}');
INSERT INTO "trial_params" VALUES(74,10,'momentum',2.58369189819401268159e-01,'{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 0.99}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json VARCHAR(2048), 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,8,'fail_reason','"Trial 7 failed, because the objective function returned nan."');
INSERT INTO "trial_system_attributes" VALUES(2,9,'fail_reason','"Trial 8 failed because of the following error: RuntimeError(''out of memory'')"');
INSERT INTO "trial_system_attributes" VALUES(3,10,'fail_reason','"Trial 9 failed, because the objective function returned nan."');
INSERT INTO "trial_system_attributes" VALUES(4,11,'fixed_params','{"lr": 0.001}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json VARCHAR(2048), 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'note','{"seed": 0, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(2,2,'note','{"seed": 1, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(3,3,'note','{"seed": 2, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(4,4,'note','{"seed": 3, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(5,5,'note','{"seed": 4, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(6,6,'note','{"seed": 5, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(7,7,'note','{"seed": 6, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(8,8,'note','{"seed": 7, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(9,9,'note','{"seed": 8, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(10,10,'note','{"seed": 9, "tags": ["a", "b"]}');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	step INTEGER, 
	value FLOAT, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,-2.33191198118970399733e+00);
INSERT INTO "trial_values" VALUES(2,1,1,-2.83191198118970399733e+00);
INSERT INTO "trial_values" VALUES(3,1,2,-2.99857864785637051596e+00);
INSERT INTO "trial_values" VALUES(4,1,3,-3.08191198118970399733e+00);
INSERT INTO "trial_values" VALUES(5,2,0,-2.25495915448931683044e+00);
INSERT INTO "trial_values" VALUES(6,2,1,-2.75495915448931683044e+00);
INSERT INTO "trial_values" VALUES(7,2,2,-2.92162582115598334908e+00);
INSERT INTO "trial_values" VALUES(8,2,3,-3.00495915448931683044e+00);
INSERT INTO "trial_values" VALUES(9,3,0,7.40878001587038426123e-01);
INSERT INTO "trial_values" VALUES(10,3,1,2.40878001587038426123e-01);
INSERT INTO "trial_values" VALUES(11,3,2,7.42113349203716854418e-02);
INSERT INTO "trial_values" VALUES(12,3,3,-9.1219984129615738766e-03);
INSERT INTO "trial_values" VALUES(13,4,0,2.75651115769450338888e+00);
INSERT INTO "trial_values" VALUES(14,4,1,2.25651115769450338888e+00);
INSERT INTO "trial_values" VALUES(15,4,2,2.08984449102783642615e+00);
INSERT INTO "trial_values" VALUES(16,4,3,2.00651115769450338888e+00);
INSERT INTO "trial_values" VALUES(17,5,0,2.07261019576755600724e+00);
INSERT INTO "trial_values" VALUES(18,5,1,1.57261019576755600724e+00);
INSERT INTO "trial_values" VALUES(19,5,2,1.4059435291008894886e+00);
INSERT INTO "trial_values" VALUES(20,5,3,1.32261019576755600724e+00);
INSERT INTO "trial_values" VALUES(21,6,0,3.68211216027578203124e+00);
INSERT INTO "trial_values" VALUES(22,6,1,3.18211216027578203124e+00);
INSERT INTO "trial_values" VALUES(23,6,2,3.01544549360911506852e+00);
INSERT INTO "trial_values" VALUES(24,6,3,2.93211216027578203124e+00);
INSERT INTO "trial_values" VALUES(25,7,0,2.56848054189982732964e+00);
INSERT INTO "trial_values" VALUES(26,7,1,2.06848054189982732964e+00);
INSERT INTO "trial_values" VALUES(27,7,2,1.90181387523316036691e+00);
INSERT INTO "trial_values" VALUES(28,7,3,1.81848054189982732964e+00);
INSERT INTO "trial_values" VALUES(29,8,0,5.99266261751935758184e+00);
INSERT INTO "trial_values" VALUES(30,8,1,5.49266261751935758184e+00);
INSERT INTO "trial_values" VALUES(31,8,2,5.32599595085269061911e+00);
INSERT INTO "trial_values" VALUES(32,8,3,5.24266261751935758184e+00);
INSERT INTO "trial_values" VALUES(33,9,0,4.38468904178184626374e+00);
INSERT INTO "trial_values" VALUES(34,9,1,3.88468904178184626374e+00);
INSERT INTO "trial_values" VALUES(35,9,2,3.71802237511517930101e+00);
INSERT INTO "trial_values" VALUES(36,9,3,3.63468904178184626374e+00);
INSERT INTO "trial_values" VALUES(37,10,0,8.66744533811891315622e+00);
INSERT INTO "trial_values" VALUES(38,10,1,8.16744533811891315622e+00);
INSERT INTO "trial_values" VALUES(39,10,2,8.00077867145224708167e+00);
INSERT INTO "trial_values" VALUES(40,10,3,9e999);
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	value FLOAT, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id), 
	CONSTRAINT trialstate CHECK (state IN ('RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING'))
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE',-3.33191198118970399733e+00,'2026-11-25 16:14:48.046322','2026-11-25 16:14:48.331313');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE',-3.25495915448931683044e+00,'2026-11-25 16:14:48.353468','2026-11-25 16:14:48.467478');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE',-2.59121998412961573876e-01,'2026-11-25 16:14:48.493436','2026-11-25 16:14:48.615363');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE',9e999,'2026-11-25 16:14:48.637502','2026-11-25 16:14:48.751371');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE',1.07261019576755600724e+00,'2026-11-25 16:14:48.773520','2026-11-25 16:14:48.895555');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE',2.68211216027578203124e+00,'2026-11-25 16:14:48.921391','2026-11-25 16:14:49.039370');
INSERT INTO "trials" VALUES(7,6,1,'PRUNED',1.81848054189982732964e+00,'2026-11-25 16:14:49.061336','2026-11-25 16:14:49.151368');
INSERT INTO "trials" VALUES(8,7,1,'FAIL',NULL,'2026-11-25 16:14:49.169659','2026-11-25 16:14:49.323422');
INSERT INTO "trials" VALUES(9,8,1,'FAIL',NULL,'2026-11-25 16:14:49.341525','2026-11-25 16:14:49.475263');
INSERT INTO "trials" VALUES(10,9,1,'FAIL',NULL,'2026-11-25 16:14:49.493253','2026-11-25 16:14:49.623337');
INSERT INTO "trials" VALUES(11,10,1,'WAITING',NULL,'2026-11-25 16:14:49.643462',NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'2.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
COMMIT;
